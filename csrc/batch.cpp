#include "batch.hpp"

#include <algorithm>
#include <atomic>
#include <memory>
#include <mutex>
#include <new>
#include <system_error>
#include <thread>
#include <type_traits>
#include <vector>

namespace hgq2rtl {
namespace {

/// The slots of a block should stay in the second level cache.
constexpr std::size_t block_bytes = std::size_t{256} << 10;
constexpr std::size_t most_samples = 1024;

/// Uninitialised memory on a cache line.
template <class T>
class Buffer {
public:
    explicit Buffer(std::size_t size)
        : data_(static_cast<T*>(::operator new(std::max<std::size_t>(size, 1) * sizeof(T), line))) {
    }
    [[nodiscard]] T* data() const noexcept { return data_.get(); }
    [[nodiscard]] T* at(std::size_t index) const noexcept { return data_.get() + index; }

private:
    static constexpr std::align_val_t line{64};
    struct Free {
        void operator()(T* data) const noexcept { ::operator delete(data, line); }
    };
    std::unique_ptr<T, Free> data_;
};

/// Fields that read the same numbers share one gathered column.
enum class Column : std::uint8_t { float32, float64, int64 };

struct Reading {
    std::size_t field;
    std::size_t column;
};

/// The columns of one port in one type, and the fields that read them.
struct PortPlan {
    std::size_t port;
    Column type;
    std::vector<std::int32_t> columns;
    std::vector<Reading> readings;
};

/// Kept values that go to one sink.
struct SinkPlan {
    std::vector<std::int32_t> slots;
    std::vector<std::int32_t> columns;
    std::vector<double> scales;
};

struct Plan {
    std::vector<PortPlan> ports;
    std::vector<SinkPlan> sinks;
    std::size_t widest_port = 0;
};

void add_field(Plan& plan, const Batch& batch, std::size_t field) {
    const Field& f = batch.fields[field];
    const auto port = static_cast<std::size_t>(f.port);
    const bool is_integer = std::holds_alternative<Rows<const std::int64_t>>(batch.sources[port]);
    const auto type =
        is_integer ? Column::int64 : (f.takes_float64() ? Column::float64 : Column::float32);
    auto found = std::ranges::find_if(
        plan.ports, [&](const PortPlan& each) { return each.port == port && each.type == type; });
    if (found == plan.ports.end()) {
        plan.ports.push_back({port, type, {}, {}});
        found = plan.ports.end() - 1;
    }
    const auto wanted = is_integer ? f.position : f.element;
    // Fields stand in the order of their elements, so a shared column is the last one.
    if (found->columns.empty() || found->columns.back() != wanted) {
        found->columns.push_back(wanted);
    }
    found->readings.push_back({field, found->columns.size() - 1});
    plan.widest_port = std::max(plan.widest_port, found->columns.size());
}

Plan make_plan(const Tape& tape, const Batch& batch) {
    Plan plan;
    for (std::size_t field = 0; field < batch.fields.size(); ++field) {
        add_field(plan, batch, field);
    }
    plan.sinks.resize(batch.sinks.size());
    for (std::size_t n = 0; n < batch.kept.size(); ++n) {
        auto& sink = plan.sinks[static_cast<std::size_t>(batch.kept[n].sink)];
        sink.slots.push_back(tape.kept_slot[n]);
        sink.columns.push_back(batch.kept[n].column);
        sink.scales.push_back(batch.kept[n].scale);
    }
    return plan;
}

/// The first fault of all threads, in the order of samples, then fields.
class FaultBox {
public:
    void put(const Fault& fault) {
        const std::lock_guard hold(mutex_);
        if (!first_
            || std::pair(fault.sample, fault.field) < std::pair(first_->sample, first_->field)) {
            first_ = fault;
            sample_.store(fault.sample, std::memory_order_relaxed);
        }
    }
    [[nodiscard]] bool is_before(std::size_t sample) const noexcept {
        return sample_.load(std::memory_order_relaxed) < sample;
    }
    [[nodiscard]] std::optional<Fault> first() const { return first_; }

private:
    std::mutex mutex_;
    std::optional<Fault> first_;
    std::atomic<std::size_t> sample_{static_cast<std::size_t>(-1)};
};

template <class T>
const T* tables_of(const TableSpace& tables) noexcept {
    if constexpr (std::is_same_v<T, std::int16_t>) {
        return tables.int16.data();
    } else if constexpr (std::is_same_v<T, std::int32_t>) {
        return tables.int32.data();
    } else {
        return tables.int64.data();
    }
}

template <class T>
const LaneLoops<T>& lane_of(const Loops& loops) noexcept {
    if constexpr (std::is_same_v<T, std::int16_t>) {
        return loops.int16;
    } else if constexpr (std::is_same_v<T, std::int32_t>) {
        return loops.int32;
    } else {
        return loops.int64;
    }
}

template <class T>
std::size_t block_length(const Tape& tape, std::size_t samples) {
    const auto slots = static_cast<std::size_t>(std::max(tape.slots, 1));
    const auto fitting = block_bytes / (slots * sizeof(T));
    const auto useful = (samples + block_unit - 1) / block_unit * block_unit;
    const auto length = std::min({fitting, most_samples, useful});
    return std::max(length / block_unit, std::size_t{1}) * block_unit;
}

/// One thread's memory, and its way through a block.
template <class T>
class Worker {
public:
    Worker(const Tape& tape, const Batch& batch, const Plan& plan, const Loops& loops,
           std::size_t length)
        : tape_(tape),
          batch_(batch),
          plan_(plan),
          loops_(loops),
          lane_(lane_of<T>(loops)),
          length_(length),
          slots_(static_cast<std::size_t>(tape.slots) * length),
          unused_(length),
          columns_(plan.widest_port * length),
          narrow_(length),
          wide_(length) {}

    /// Evaluates samples [first, first + count).
    void run(std::size_t first, std::size_t count, FaultBox& faults) {
        for (const auto& port : plan_.ports) {
            read(port, first, count, faults);
        }
        const BlockProgram program{tape_.instructions.data(), tape_.instructions.size(),
                                   tape_.terms.data()};
        lane_.run(program, tables_of<T>(tape_.tables), slots_.data(), length_);
        for (std::size_t n = 0; n < batch_.sinks.size(); ++n) {
            write(plan_.sinks[n], batch_.sinks[n], first, count);
        }
    }

private:
    template <class From>
    static Rows<const From> from_row(Rows<const From> rows, std::size_t first) noexcept {
        return {rows.data + first * rows.stride, rows.stride};
    }

    [[nodiscard]] T* slot_of(std::size_t field) const noexcept {
        const auto slot = tape_.field_slot[field];
        return slot < 0 ? unused_.data() : slots_.at(static_cast<std::size_t>(slot) * length_);
    }

    void read(const PortPlan& port, std::size_t first, std::size_t count, FaultBox& faults) {
        std::visit([&](auto rows) { gather(port, from_row(rows, first), count); },
                   batch_.sources[port.port]);
        for (const auto& [field, column] : port.readings) {
            const auto offset = column * length_;
            switch (port.type) {
                case Column::int64: take(integers() + offset, field, first, count, faults); break;
                case Column::float32: take(floats() + offset, field, first, count, faults); break;
                case Column::float64: take(doubles() + offset, field, first, count, faults); break;
            }
        }
    }

    // One buffer serves the three types of columns: it is gathered anew for each port.
    [[nodiscard]] std::int64_t* integers() const noexcept { return columns_.data(); }
    [[nodiscard]] float* floats() const noexcept {
        return reinterpret_cast<float*>(columns_.data());
    }
    [[nodiscard]] double* doubles() const noexcept {
        return reinterpret_cast<double*>(columns_.data());
    }

    void gather(const PortPlan& port, Rows<const std::int64_t> rows, std::size_t count) {
        loops_.gather_int64(rows, port.columns.data(), port.columns.size(), count, length_,
                            integers());
    }
    void gather(const PortPlan& port, Rows<const float> rows, std::size_t count) {
        if (port.type == Column::float32) {
            loops_.gather_float_float(rows, port.columns.data(), port.columns.size(), count,
                                      length_, floats());
        } else {
            loops_.gather_float_double(rows, port.columns.data(), port.columns.size(), count,
                                       length_, doubles());
        }
    }
    void gather(const PortPlan& port, Rows<const double> rows, std::size_t count) {
        if (port.type == Column::float32) {
            loops_.gather_double_float(rows, port.columns.data(), port.columns.size(), count,
                                       length_, floats());
        } else {
            loops_.gather_double_double(rows, port.columns.data(), port.columns.size(), count,
                                        length_, doubles());
        }
    }

    /// A gathered column into its slot: by the fast loop if it covers every number.
    template <class From>
    void take(const From* column, std::size_t field, std::size_t first, std::size_t count,
              FaultBox& faults) {
        const Field& rule = batch_.fields[field];
        T* const slot = slot_of(field);
        if constexpr (std::is_same_v<From, std::int64_t>) {
            if (lane_.take_int64(column, length_, rule.interval, slot)) {
                return;
            }
        } else {
            bool is_covered = false;
            if constexpr (std::is_same_v<From, float>) {
                is_covered = loops_.quantize(column, length_, rule, narrow_.data());
            } else {
                is_covered = rule.is_exact()
                             && loops_.read_exact(column, length_, rule, narrow_.data());
            }
            if (is_covered && lane_.take_int32(narrow_.data(), length_, rule.interval, slot)) {
                return;
            }
        }
        take_one_by_one(column, field, first, count, faults);
    }

    template <class From>
    void take_one_by_one(const From* column, std::size_t field, std::size_t first,
                         std::size_t count, FaultBox& faults) {
        const Field& rule = batch_.fields[field];
        for (std::size_t s = 0; s < length_; ++s) {
            Quantized number;
            if constexpr (std::is_same_v<From, std::int64_t>) {
                number = check_one(column[s], rule);
            } else {
                number = quantize_one(column[s], rule);
            }
            if (number.refusal != Refusal::none && s < count) {
                faults.put({first + s, field, number.refusal});
                number.mantissa = rule.interval.lo;
            }
            wide_.data()[s] = number.mantissa;
        }
        lane_.take_int64(wide_.data(), length_, rule.interval, slot_of(field));
    }

    void write(const SinkPlan& plan, const Sink& sink, std::size_t first, std::size_t count) {
        if (const auto* values = std::get_if<Rows<double>>(&sink)) {
            lane_.put_float64(slots_.data(), length_, plan.slots.data(), plan.columns.data(),
                              plan.scales.data(), plan.slots.size(), count,
                              {values->data + first * values->stride, values->stride});
            return;
        }
        const auto& rows = std::get<Rows<std::int64_t>>(sink);
        lane_.put_int64(slots_.data(), length_, plan.slots.data(), plan.columns.data(),
                        plan.slots.size(), count, {rows.data + first * rows.stride, rows.stride});
    }

    const Tape& tape_;
    const Batch& batch_;
    const Plan& plan_;
    const Loops& loops_;
    const LaneLoops<T>& lane_;
    std::size_t length_;
    Buffer<T> slots_;
    Buffer<T> unused_;  ///< takes fields that no instruction reads: they are checked all the same
    Buffer<std::int64_t> columns_;
    Buffer<std::int32_t> narrow_;
    Buffer<std::int64_t> wide_;
};

template <class T>
std::optional<Fault> evaluate_in(const Tape& tape, const Batch& batch, int threads,
                                 const Loops& loops) {
    const Plan plan = make_plan(tape, batch);
    const auto length = block_length<T>(tape, batch.samples);
    const auto blocks = (batch.samples + length - 1) / length;
    const auto wanted = std::min(static_cast<std::size_t>(std::max(threads, 1)), blocks);
    // Allocated here, so that no thread can fail.
    std::vector<std::unique_ptr<Worker<T>>> workers;
    for (std::size_t n = 0; n < wanted; ++n) {
        workers.push_back(std::make_unique<Worker<T>>(tape, batch, plan, loops, length));
    }
    FaultBox faults;
    std::atomic<std::size_t> next{0};
    const auto work = [&](Worker<T>& worker) {
        for (auto block = next++; block < blocks; block = next++) {
            const auto first = block * length;
            if (faults.is_before(first)) {
                return;
            }
            worker.run(first, std::min(length, batch.samples - first), faults);
        }
    };
    {
        std::vector<std::jthread> helpers;
        try {
            for (std::size_t n = 1; n < wanted; ++n) {
                helpers.emplace_back(work, std::ref(*workers[n]));
            }
        } catch (const std::system_error&) {
            // The system gives no more threads: those at hand do the work.
        }
        if (wanted > 0) {
            work(*workers[0]);
        }
    }
    return faults.first();
}

}  // namespace

const Loops& best_loops() noexcept {
#ifdef HGQ2RTL_HAS_avx2
    if (__builtin_cpu_supports("avx2")) {
        return avx2::loops();
    }
#endif
    return baseline::loops();
}

std::optional<Fault> evaluate(const Tape& tape, const Batch& batch, int threads,
                              const Loops& loops) {
    switch (tape.lane) {
        case 16: return evaluate_in<std::int16_t>(tape, batch, threads, loops);
        case 32: return evaluate_in<std::int32_t>(tape, batch, threads, loops);
        default: return evaluate_in<std::int64_t>(tape, batch, threads, loops);
    }
}

}  // namespace hgq2rtl
