#pragma once
// What there is to solve: the columns of a matrix that differ in more than sign and shift.

#include <cstdint>
#include <span>
#include <vector>

#include "cmvm_cost.hpp"
#include "cmvm_nodes.hpp"

namespace hgq2rtl::cmvm {

struct Problem {
    std::vector<Interval> inputs;
    std::vector<int> arrivals;   ///< adder levels, from 0 on
    int levels = 0;              ///< that an output may have
    std::vector<Form> columns;   ///< different, with an odd coefficient, the first one positive
    std::vector<std::uint8_t> wanted;  ///< signs, per column
    std::vector<Term> outputs;   ///< per output of the matrix: column, shift, sign

    /// `matrix` by rows, one per input.
    Problem(std::span<const std::int64_t> matrix, std::span<const Interval> inputs,
            std::span<const int> arrivals, int levels);
};

}  // namespace hgq2rtl::cmvm
