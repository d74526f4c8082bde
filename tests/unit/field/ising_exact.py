#!/usr/bin/env python3
"""Exact energy and specific heat per site of the Ising model on an n x m torus, S = - K sum s s'.

    tests/unit/field/ising_exact.py [n m K]        # without arguments: the values that the tests use, and a check by enumeration

B. Kaufman, Phys. Rev. 76, 1232 (1949): 2 Z = (2 sinh 2K)^(nm/2) (Z1 + Z2 + Z3 + Z4),
Z1, Z2 = prod_r 2 cosh, 2 sinh (m g_{2r+1} / 2), Z3, Z4 the same of g_{2r}, r = 0 ... n - 1,
cosh g_l = cosh 2K coth 2K - cos(l pi / n), g_0 = 2K + ln tanh K. Derivatives by K are carried along as Taylor coefficients.
E/N = - d(ln Z / N)/dK (in units of J), C/N = K^2 d^2(ln Z / N)/dK^2.
"""
import itertools
import math
import sys


class Jet:
    """Value, first and second derivative by K."""

    def __init__(self, v, d=0.0, e=0.0):
        self.v, self.d, self.e = v, d, e

    def __add__(self, o):
        return Jet(self.v + o.v, self.d + o.d, self.e + o.e)

    def __sub__(self, o):
        return Jet(self.v - o.v, self.d - o.d, self.e - o.e)

    def __mul__(self, o):
        return Jet(self.v * o.v, self.d * o.v + self.v * o.d, self.e * o.v + 2 * self.d * o.d + self.v * o.e)

    def times(self, a):
        return Jet(a * self.v, a * self.d, a * self.e)

    def of(self, f, f1, f2):
        """A function with value f and derivatives f1, f2 at self.v."""
        return Jet(f, f1 * self.d, f2 * self.d**2 + f1 * self.e)

    def exp(self):
        x = math.exp(self.v)
        return self.of(x, x, x)

    def log(self):
        return self.of(math.log(self.v), 1 / self.v, -1 / self.v**2)

    def acosh(self):
        root = math.sqrt(self.v**2 - 1)
        return self.of(math.acosh(self.v), 1 / root, -self.v / root**3)


def log_z(n, m, k):
    """ln Z with its derivatives. Powers of e that all factors share are taken out of the products."""
    one = Jet(1.0)
    c, s, kk = math.cosh(2 * k), math.sinh(2 * k), 2 * k
    # cosh 2K coth 2K = sinh 2K + 1 / sinh 2K
    a = Jet(s + 1 / s, 2 * c * (1 - 1 / s**2), 4 * s * (1 - 1 / s**2) + 8 * c**2 / s**3)
    g0 = Jet(kk + math.log(math.tanh(k)), 2 + 2 / s, -4 * c / s**2)
    gamma = [g0] + [(a - Jet(math.cos(l * math.pi / n))).acosh() for l in range(1, 2 * n)]

    def products(odd):
        power, plus, minus = Jet(0.0), one, one
        for l in range(odd, 2 * n, 2):
            power = power + gamma[l].times(m / 2)
            small = gamma[l].times(-m).exp()
            plus, minus = plus * (one + small), minus * (one - small)
        return power, plus + minus

    p1, b1 = products(1)
    p2, b2 = products(0)
    whole = p1 + (b1 + (p2 - p1).exp() * b2).log() + Jet(-math.log(2))
    sinh = Jet(2 * s, 4 * c, 8 * s).log().times(n * m / 2)
    return whole + sinh


def exact(n, m, k):
    z = log_z(n, m, k)
    return -z.d / (n * m), k * k * z.e / (n * m)


def enumerated(n, m, k):
    z = h1 = h2 = 0.0
    for spins in itertools.product((-1, 1), repeat=n * m):
        h = -sum(spins[x * m + y] * (spins[(x + 1) % n * m + y] + spins[x * m + (y + 1) % m]) for x in range(n) for y in range(m))
        w = math.exp(-k * h)
        z, h1, h2 = z + w, h1 + w * h, h2 + w * h * h
    return h1 / z / (n * m), k * k * (h2 / z - (h1 / z) ** 2) / (n * m)


def main():
    if len(sys.argv) > 1:
        n, m, k = int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3])
        print("%d x %d, K = %.15g: E/N = %.12f, C/N = %.12f" % (n, m, k, *exact(n, m, k)))
        return
    for n, m, k in ((3, 4, 0.3), (4, 4, 0.440686793509772), (4, 3, 0.6)):
        assert all(abs(a - b) < 1e-9 for a, b in zip(exact(n, m, k), enumerated(n, m, k))), (n, m, k)
    for n in (8, 16, 32, 64):
        print("%d x %d at K_c: E/N = %.11f, C/N = %.10f" % (n, n, *exact(n, n, 0.440686793509772)))


if __name__ == "__main__":
    main()
