// Python to C++ and back: converts, and decides nothing.

#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>
#include <nanobind/stl/pair.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/tuple.h>
#include <nanobind/stl/vector.h>

#include <stdexcept>
#include <string>
#include <tuple>
#include <vector>

#include "batch.hpp"
#include "cmvm_binding.hpp"
#include "lane.hpp"

namespace nb = nanobind;
using namespace hgq2rtl;

namespace {

template <class T>
using Column = nb::ndarray<const T, nb::ndim<1>, nb::c_contig, nb::device::cpu>;
template <class T>
using Matrix = nb::ndarray<T, nb::ndim<2>, nb::c_contig, nb::device::cpu>;

template <class T>
std::span<const T> span_of(const Column<T>& column) {
    return {column.data(), column.size()};
}

template <class T>
Rows<T> rows_of(const Matrix<T>& matrix) {
    return {matrix.data(), matrix.shape(1)};
}

template <std::size_t n>
nb::tuple names(const std::array<std::string_view, n>& all) {
    nb::list list;
    for (const auto name : all) {
        list.append(nb::str(name.data(), name.size()));
    }
    return nb::tuple(list);
}

using Tables = std::vector<std::pair<std::int64_t, Column<std::int64_t>>>;

Program program_of(const Column<std::uint8_t>& operation, const Column<std::int64_t>& start,
                   const Column<std::int32_t>& operand, const Column<std::int64_t>& weight,
                   const Column<std::int64_t>& attribute, const Column<std::int64_t>& lo,
                   const Column<std::int64_t>& hi, const Column<bool>& wraps,
                   const Tables& tables) {
    Program program{span_of(operation), span_of(start),     span_of(operand),
                    span_of(weight),    span_of(attribute), span_of(lo),
                    span_of(hi),        span_of(wraps),     {}};
    for (const auto& [base, contents] : tables) {
        program.tables.push_back({base, {contents.data(), contents.data() + contents.size()}});
    }
    return program;
}

/// port, element, position, rounding, overflow, scaler, k, i, f, computes_in_float64, lo, hi
using FieldRow =
    std::tuple<int, int, int, int, int, double, int, int, int, bool, std::int64_t, std::int64_t>;

/// Input fields of all ports, as an object that Python can hold.
struct Fields {
    std::vector<Field> all;
};

Fields fields_of(const std::vector<FieldRow>& rows) {
    Fields fields;
    for (const auto& [port, element, position, rounding, overflow, scaler, k, i, f,
                      computes_in_float64, lo, hi] : rows) {
        fields.all.push_back({port,
                              element,
                              position,
                              static_cast<Rounding>(rounding),
                              static_cast<Overflow>(overflow),
                              scaler,
                              k,
                              i,
                              f,
                              computes_in_float64,
                              {lo, hi}});
    }
    return fields;
}

Source source_of(nb::handle given) {
    if (Matrix<const float> floats; nb::try_cast(given, floats, false)) {
        return rows_of(floats);
    }
    if (Matrix<const double> doubles; nb::try_cast(given, doubles, false)) {
        return rows_of(doubles);
    }
    return rows_of(nb::cast<Matrix<const std::int64_t>>(given, false));
}

Sink sink_of(nb::handle given) {
    if (Matrix<double> doubles; nb::try_cast(given, doubles, false)) {
        return rows_of(doubles);
    }
    return rows_of(nb::cast<Matrix<std::int64_t>>(given, false));
}

std::size_t stride_of(const auto& any) {
    return std::visit([](const auto& rows) { return rows.stride; }, any);
}

void check(bool holds, const char* what) {
    if (!holds) {
        throw std::invalid_argument(what);
    }
}

/// Input fields with the arrays that a batch reads and fills, all checked for size.
nb::object evaluate_batch(const Tape& tape, const Fields& given_fields, const nb::list& inputs,
                          const nb::list& outputs,
                          const std::vector<std::tuple<int, int, double>>& kept,
                          std::size_t samples, int threads, const std::string& level) {
    const auto& fields = given_fields.all;
    std::vector<Source> sources;
    for (const auto given : inputs) {
        check(nb::cast<std::size_t>(given.attr("shape")[0]) >= samples,
              "an input has too few samples");
        sources.push_back(source_of(given));
    }
    std::vector<Sink> sinks;
    for (const auto given : outputs) {
        check(nb::cast<std::size_t>(given.attr("shape")[0]) >= samples,
              "an output has too few samples");
        sinks.push_back(sink_of(given));
    }
    check(fields.size() == tape.field_slot.size(), "the tape has other fields");
    for (const auto& field : fields) {
        check(field.port >= 0 && static_cast<std::size_t>(field.port) < sources.size(),
              "unknown port");
        const auto& source = sources[static_cast<std::size_t>(field.port)];
        const bool is_integer = std::holds_alternative<Rows<const std::int64_t>>(source);
        const auto column = is_integer ? field.position : field.element;
        check(column >= 0 && static_cast<std::size_t>(column) < stride_of(source),
              "unknown element");
    }
    check(kept.size() == tape.kept_slot.size(), "the tape keeps other values");
    std::vector<Destination> destinations;
    for (const auto& [sink, column, scale] : kept) {
        check(sink >= 0 && static_cast<std::size_t>(sink) < sinks.size(), "unknown output");
        check(column >= 0
                  && static_cast<std::size_t>(column)
                         < stride_of(sinks[static_cast<std::size_t>(sink)]),
              "unknown output element");
        destinations.push_back({sink, column, scale});
    }
    const bool wants_baseline = level == "baseline";
    const Loops& loops = wants_baseline ? baseline::loops() : best_loops();
    std::optional<Fault> fault;
    {
        const nb::gil_scoped_release release;
        fault = evaluate(tape, {fields, sources, destinations, sinks, samples}, threads, loops);
    }
    if (!fault) {
        return nb::none();
    }
    const auto name = refusal_names[static_cast<std::size_t>(fault->refusal)];
    return nb::make_tuple(fault->sample, fault->field, nb::str(name.data(), name.size()));
}

}  // namespace

NB_MODULE(_kernel, m) {
    nb::set_leak_warnings(false);  // objects that live until the process ends are no defect
    m.doc() = "Evaluation of Programs over batches; see hgq2rtl.ir.interpreter.";
    m.attr("OPERATIONS") = names(operation_names);
    m.attr("RELATIONS") = names(relation_names);
    m.attr("FUNCTIONS") = names(function_names);
    m.attr("ROUNDINGS") = names(rounding_names);
    m.attr("OVERFLOWS") = names(overflow_names);
    m.attr("LEVEL") = best_loops().level;

    cmvm::bind(m);

    nb::class_<Tape>(m, "Tape", "A Program made ready for blocks of samples.")
        .def(
            "__init__",
            [](Tape* self, Column<std::uint8_t> operation, Column<std::int64_t> start,
               Column<std::int32_t> operand, Column<std::int64_t> weight,
               Column<std::int64_t> attribute, Column<std::int64_t> lo, Column<std::int64_t> hi,
               Column<bool> wraps, const Tables& tables, Column<std::int32_t> kept,
               Column<std::int32_t> first_field, std::int32_t fields) {
                const auto program =
                    program_of(operation, start, operand, weight, attribute, lo, hi, wraps, tables);
                new (self) Tape(make_tape(program, span_of(kept), span_of(first_field), fields));
            },
            nb::arg("operation"), nb::arg("start"), nb::arg("operand"), nb::arg("weight"),
            nb::arg("attribute"), nb::arg("lo"), nb::arg("hi"), nb::arg("wraps"), nb::arg("tables"),
            nb::arg("kept"), nb::arg("first_field"), nb::arg("fields"))
        .def_static("identity", &identity_tape, nb::arg("fields"))
        .def_ro("lane", &Tape::lane)
        .def_ro("slots", &Tape::slots)
        .def_prop_ro("instructions", [](const Tape& tape) { return tape.instructions.size(); });

    nb::class_<Fields>(m, "Fields", "Input fields of all ports.")
        .def("__init__", [](Fields* self, const std::vector<FieldRow>& rows) {
            new (self) Fields(fields_of(rows));
        });

    m.def("evaluate", &evaluate_batch, nb::arg("tape"), nb::arg("fields"), nb::arg("inputs"),
          nb::arg("outputs"), nb::arg("kept"), nb::arg("samples"), nb::arg("threads"),
          nb::arg("level") = "",
          "Fill `outputs`; None, or (sample, field, why) of the first number refused.");
}
