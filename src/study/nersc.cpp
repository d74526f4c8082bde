#include "koushi/study/nersc.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <complex>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>

#include "koushi/base/error.hpp"
#include "koushi/base/text.hpp"
#include "koushi/field/gauge_group.hpp"
#include "koushi/parallel/communicator.hpp"
#include "koushi/store/result_file.hpp"

namespace koushi {

namespace {

using Complex = std::complex<double>;
using Matrix = std::array<Complex, 9>;

std::size_t volume_of(const LinkConfiguration& c) {
  std::size_t v = 1;
  for (const int n : c.extents) v *= static_cast<std::size_t>(n);
  return v;
}

Matrix link(const LinkConfiguration& c, std::size_t mu, std::size_t x) {
  const std::size_t v = volume_of(c);
  Matrix u;
  for (std::size_t k = 0; k < 9; ++k)
    u[k] = Complex(c.links[(mu * 18 + k) * v + x], c.links[(mu * 18 + 9 + k) * v + x]);
  return u;
}

void set_link(LinkConfiguration& c, std::size_t mu, std::size_t x, const Matrix& u) {
  const std::size_t v = volume_of(c);
  for (std::size_t k = 0; k < 9; ++k) {
    c.links[(mu * 18 + k) * v + x] = u[k].real();
    c.links[(mu * 18 + 9 + k) * v + x] = u[k].imag();
  }
}

Matrix product(const Matrix& a, const Matrix& b) {
  Matrix c{};
  for (std::size_t i = 0; i < 3; ++i) {
    for (std::size_t j = 0; j < 3; ++j) {
      for (std::size_t k = 0; k < 3; ++k) c[3 * i + j] += a[3 * i + k] * b[3 * k + j];
    }
  }
  return c;
}

/// The nearest element of SU(3).
Matrix nearest(const Matrix& u) {
  GroupSU3<>::Matrix a;
  for (std::size_t k = 0; k < 9; ++k) {
    a.v[k] = u[k].real();
    a.v[9 + k] = u[k].imag();
  }
  a = GroupSU3<>::nearest(a);
  Matrix result;
  for (std::size_t k = 0; k < 9; ++k) result[k] = Complex(a.v[k], a.v[9 + k]);
  return result;
}

/// Next site along direction mu of the periodic lattice.
std::size_t next(const LinkConfiguration& c, std::size_t mu, std::size_t x) {
  std::size_t stride = 1;
  for (std::size_t nu = mu + 1; nu < 4; ++nu) stride *= static_cast<std::size_t>(c.extents[nu]);
  const auto n = static_cast<std::size_t>(c.extents[mu]);
  const std::size_t at = x / stride % n;
  return x - at * stride + (at + 1) % n * stride;
}

[[noreturn]] void refuse(const std::string& file, const std::string& what) {
  throw StoreError(fmt::format("{}: {}\n  expected: a sound SU(3) configuration in NERSC's format", file, what));
}

/// Exchanges the bytes of every word of `size` bytes.
void swap_bytes(std::vector<char>& bytes, std::size_t size) {
  for (std::size_t at = 0; at + size <= bytes.size(); at += size)
    std::reverse(bytes.begin() + static_cast<std::ptrdiff_t>(at),
                 bytes.begin() + static_cast<std::ptrdiff_t>(at + size));
}

/// Sum of the 32-bit words of the numbers in this machine's order, as the format defines it.
std::uint32_t checksum_of(const std::vector<char>& bytes) {
  std::uint32_t sum = 0;
  for (std::size_t at = 0; at + 4 <= bytes.size(); at += 4) {
    std::uint32_t word = 0;
    std::memcpy(&word, &bytes[at], 4);
    sum += word;
  }
  return sum;
}

}  // namespace

double mean_plaquette(const LinkConfiguration& c) {
  const std::size_t v = volume_of(c);
  double sum = 0;
  for (std::size_t mu = 0; mu < 4; ++mu) {
    for (std::size_t nu = mu + 1; nu < 4; ++nu) {
      for (std::size_t x = 0; x < v; ++x) {
        const Matrix a = product(link(c, mu, x), link(c, nu, next(c, mu, x)));
        const Matrix b = product(link(c, nu, x), link(c, mu, next(c, nu, x)));
        for (std::size_t k = 0; k < 9; ++k) sum += (a[k] * std::conj(b[k])).real();
      }
    }
  }
  return sum / (18 * static_cast<double>(v));
}

double mean_link_trace(const LinkConfiguration& c) {
  const std::size_t v = volume_of(c);
  double sum = 0;
  for (std::size_t mu = 0; mu < 4; ++mu) {
    for (std::size_t x = 0; x < v; ++x) {
      const Matrix u = link(c, mu, x);
      sum += u[0].real() + u[4].real() + u[8].real();
    }
  }
  return sum / (12 * static_cast<double>(v));
}

void write_nersc(const std::string& file, const LinkConfiguration& c, const std::string& ensemble,
                 std::int64_t sequence) {
  const std::size_t v = volume_of(c);
  std::vector<char> bytes(v * 4 * 18 * sizeof(double));
  std::size_t at = 0;
  for (std::size_t x = 0; x < v; ++x) {
    for (std::size_t mu = 4; mu-- > 0;) {  // x, y, z, t are the last to the first direction
      for (const Complex& u : link(c, mu, x)) {
        const double parts[2] = {u.real(), u.imag()};
        std::memcpy(&bytes[at], parts, sizeof parts);
        at += sizeof parts;
      }
    }
  }
  const std::uint32_t checksum = checksum_of(bytes);
  if constexpr (std::endian::native == std::endian::little) swap_bytes(bytes, sizeof(double));
  std::ofstream out(file, std::ios::binary);
  out << fmt::format(
      "BEGIN_HEADER\nHDR_VERSION = 1.0\nDATATYPE = 4D_SU3_GAUGE_3x3\nSTORAGE_FORMAT = 1.0\nDIMENSION_1 = "
      "{}\nDIMENSION_2 = {}\nDIMENSION_3 = {}\nDIMENSION_4 = {}\n"
      "LINK_TRACE = {:.15f}\nPLAQUETTE = {:.15f}\nBOUNDARY_1 = PERIODIC\nBOUNDARY_2 = PERIODIC\nBOUNDARY_3 = "
      "PERIODIC\nBOUNDARY_4 = PERIODIC\n"
      "CHECKSUM = {:x}\nENSEMBLE_ID = koushi\nENSEMBLE_LABEL = {}\nSEQUENCE_NUMBER = {}\nCREATOR = "
      "koushi\nFLOATING_POINT = IEEE64BIG\nEND_HEADER\n",
      c.extents[3], c.extents[2], c.extents[1], c.extents[0], mean_link_trace(c), mean_plaquette(c), checksum, ensemble,
      sequence);
  out.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  out.close();
  if (!out)
    throw StoreError(fmt::format("{} cannot be written ({})\n  expected: a file in a folder that can be written", file,
                                 std::strerror(errno)));
}

bool is_nersc(const std::string& file) {
  if (std::filesystem::is_directory(file)) return false;
  std::ifstream in(file, std::ios::binary);
  std::string first;
  return static_cast<bool>(std::getline(in, first)) && first.rfind("BEGIN_HEADER", 0) == 0;
}

LinkConfiguration read_nersc(const std::string& file) {
  std::ifstream in(file, std::ios::binary);
  std::string line;
  if (!std::getline(in, line) || line.rfind("BEGIN_HEADER", 0) != 0)
    refuse(file, "it does not begin with BEGIN_HEADER");
  std::map<std::string, std::string> header;
  bool ended = false;
  while (!ended && std::getline(in, line)) {
    ended = line.rfind("END_HEADER", 0) == 0;
    const std::size_t equals = line.find('=');
    if (equals == std::string::npos) continue;
    std::istringstream key(line.substr(0, equals));
    std::istringstream value(line.substr(equals + 1));
    std::string name;
    key >> name;
    value >> header[name];
  }
  if (!ended) refuse(file, "its header does not end");
  const auto number = [&](const std::string& name) {
    const auto found = header.find(name);
    double result = 0;
    if (found == header.end() || !(std::istringstream(found->second) >> result))
      refuse(file, fmt::format("{} is not in its header", name));
    return result;
  };
  const std::string type = header["DATATYPE"];
  if (type != "4D_SU3_GAUGE" && type != "4D_SU3_GAUGE_3x3") refuse(file, fmt::format("DATATYPE = {}", type));
  const std::string format = header["FLOATING_POINT"];
  const bool single = format.rfind("IEEE32", 0) == 0;
  const bool little = format == "IEEE32LITTLE" || format == "IEEE64LITTLE";
  if (!little && format != "IEEE32" && format != "IEEE32BIG" && format != "IEEE64BIG")
    refuse(file, fmt::format("FLOATING_POINT = {}", format));
  LinkConfiguration c;
  for (std::size_t k = 0; k < 4; ++k) {
    const double n = number(fmt::format("DIMENSION_{}", k + 1));
    if (!(n >= 1 && n <= 4096) || n != std::floor(n)) refuse(file, fmt::format("DIMENSION_{} = {}", k + 1, n));
    c.extents[3 - k] = static_cast<int>(n);
  }
  const std::size_t v = volume_of(c);
  const std::size_t reals = type == "4D_SU3_GAUGE" ? 12 : 18;
  const std::size_t width = single ? 4 : 8;
  std::vector<char> bytes(v * 4 * reals * width);
  in.read(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  if (in.gcount() != static_cast<std::streamsize>(bytes.size()))
    refuse(file, fmt::format("it ends after {} of {} bytes of links", in.gcount(), bytes.size()));
  if (in.peek() != std::ifstream::traits_type::eof())
    refuse(file, fmt::format("it goes on after the {} bytes of links that its header says", bytes.size()));
  if ((std::endian::native == std::endian::little) != little) swap_bytes(bytes, width);
  std::uint32_t expected = 0;
  if (!(std::istringstream(header["CHECKSUM"]) >> std::hex >> expected)) refuse(file, "CHECKSUM is not in its header");
  if (const std::uint32_t found = checksum_of(bytes); found != expected) {
    swap_bytes(bytes, width);  // some programs write the words of their machine under the name of the other order
    if (checksum_of(bytes) != expected) refuse(file, fmt::format("its checksum is {:x}, not {:x}", found, expected));
  }
  c.links.resize(4 * 18 * v);
  double worst = 0;
  double off = 0;  // determinants from 1
  std::size_t at = 0;
  const auto take = [&] {
    double value = 0;
    if (single) {
      float small = 0;
      std::memcpy(&small, &bytes[at], 4);
      value = small;
    } else {
      std::memcpy(&value, &bytes[at], 8);
    }
    at += width;
    return value;
  };
  for (std::size_t x = 0; x < v; ++x) {
    for (std::size_t mu = 4; mu-- > 0;) {
      Matrix u{};
      for (std::size_t k = 0; k < reals / 2; ++k) {
        const double re = take();
        u[k] = Complex(re, take());
      }
      if (reals == 12) {
        for (std::size_t j = 0; j < 3; ++j)
          u[6 + j] = std::conj(u[(j + 1) % 3] * u[3 + (j + 2) % 3] - u[(j + 2) % 3] * u[3 + (j + 1) % 3]);
      }
      for (std::size_t i = 0; i < 3; ++i) {
        for (std::size_t j = 0; j < 3; ++j) {
          Complex dot = i == j ? -1.0 : 0.0;
          for (std::size_t k = 0; k < 3; ++k) dot += u[3 * i + k] * std::conj(u[3 * j + k]);
          worst = std::max(worst, std::abs(dot));
        }
      }
      Complex determinant = -1.0;
      for (std::size_t j = 0; j < 3; ++j)
        determinant += u[6 + j] * (u[(j + 1) % 3] * u[3 + (j + 2) % 3] - u[(j + 2) % 3] * u[3 + (j + 1) % 3]);
      off = std::max(off, std::abs(determinant));
      set_link(c, mu, x, single ? nearest(u) : u);
    }
  }
  const double precision = single ? 1e-5 : 1e-9;
  if (!(worst < precision)) refuse(file, fmt::format("a matrix is not unitary by {:.2g}", worst));
  if (!(off < 3 * precision))
    refuse(file,
           fmt::format("a determinant is {:.2g} from 1; links may hold the sign of an antiperiodic boundary", off));
  // The header may hold fewer digits than the links.
  if (!(std::abs(mean_plaquette(c) - number("PLAQUETTE")) < 1e-5))
    refuse(file, fmt::format("its plaquette is {:.8f}, not {}", mean_plaquette(c), number("PLAQUETTE")));
  if (!(std::abs(mean_link_trace(c) - number("LINK_TRACE")) < 1e-5))
    refuse(file, fmt::format("its link trace is {:.8f}, not {}", mean_link_trace(c), number("LINK_TRACE")));
  return c;
}

int export_nersc(const std::string& result, const std::string& file, long sweep, long replica) {
  const Communicator self = Communicator::self();
  const ResultReader reader(self, result);
  const std::string path = sweep < 0 ? "state/field" : fmt::format("configurations/{}", sweep);
  if (!reader.contains(path)) {
    const std::vector<std::string> saved = reader.list("configurations");
    throw UsageError(fmt::format(
        "{} has no configuration {}\n  expected: {}", result, sweep < 0 ? "of a lattice field" : std::to_string(sweep),
        saved.empty() ? "a lattice-field run; with [study] save_every for more than the last one"
                      : "one of " + join(saved)));
  }
  const std::vector<std::int64_t> shape = reader.read_integers("lattice/shape");  // replicas, components, extents
  if (shape.size() != 6 || shape[1] != 72)
    throw UsageError(fmt::format(
        "{} does not hold SU(3) links in four directions\n  expected: action.kind = \"wilson\", group = \"su3\"",
        result));
  if (replica < 0 || replica >= shape[0])
    throw UsageError(fmt::format("replica {}\n  expected: 0 to {}", replica, shape[0] - 1));
  LinkConfiguration c;
  ArrayBox box{shape, {replica, 0, 0, 0, 0, 0}, {1, 72, shape[2], shape[3], shape[4], shape[5]}};
  for (std::size_t k = 0; k < 4; ++k) c.extents[k] = static_cast<int>(shape[k + 2]);
  c.links = reader.read_box(path, box);
  if (std::filesystem::exists(file)) throw UsageError(fmt::format("{} exists already\n  expected: a new file", file));
  write_nersc(file, c, result, sweep < 0 ? reader.read_integers("state/sweep").at(0) : sweep);
  print_out(fmt::format("{}: {} of {}, plaquette {:.12f}\n", file, path, result, mean_plaquette(c)));
  return 0;
}

}  // namespace koushi
