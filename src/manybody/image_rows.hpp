#pragma once

#include <complex>
#include <functional>
#include <memory>

#include "koushi/parallel/communicator.hpp"
#include "koushi/parallel/distributed_rows.hpp"

namespace koushi {

/// Rows of Psi(x) = sum_c w_c psi(g_c x): O_s = sum_c p_c(s) O_s(image c), p_c = w_c psi(g_c x) / Psi(x). They are kept.
/// rows_of_image(c)  those of psi for all local samples; shares(s, c): p_c; real: all p_c are
/// Memory            that of the rows of one image more while they are made
std::unique_ptr<DistributedRows> rows_of_image_sum(
    const Communicator& comm, RowRange rows, int n_images, bool real,
    const std::function<std::unique_ptr<DistributedRows>(int)>& rows_of_image,
    const std::function<std::complex<double>(std::int64_t, int)>& shares);

}  // namespace koushi
