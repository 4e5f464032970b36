#pragma once

#include <nanobind/nanobind.h>

namespace hgq2rtl::cmvm {

void bind(nanobind::module_& m);

}  // namespace hgq2rtl::cmvm
