"""double_well.py exact            <phi^2> and <phi^4> of the ring of double_well.toml, from its transfer matrix
double_well.py same FILE FILE   says whether two runs have the same series and histories"""
import sys

import h5py
import numpy

if sys.argv[1] == "exact":
    phi = numpy.linspace(-3.2, 3.2, 801)
    well = numpy.exp(-0.5 * (phi**2 - 1)**2)
    values, vectors = numpy.linalg.eigh(well[:, None] * numpy.exp(-0.5 * (phi[:, None] - phi)**2) * well)
    weight = (values / values[-1])**8
    for power in (2, 4):
        print((weight * (vectors**2 * phi[:, None]**power).sum(0)).sum() / weight.sum())
else:
    with h5py.File(sys.argv[2]) as one, h5py.File(sys.argv[3]) as other:
        for group in ("series", "history"):
            assert set(one[group]) == set(other[group]) and len(one[group]) > 0, group
            for name in one[group]:
                assert numpy.array_equal(one[group][name][()], other[group][name][()]), name
    print("the same")
