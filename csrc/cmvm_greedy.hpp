#pragma once
// Two-term sharing on signed digits: the pair of terms that saves most, again and again.

#include <cstdint>
#include <span>
#include <vector>

#include "cmvm_rows.hpp"

namespace hgq2rtl::cmvm {

/// Occurrences of a pair of terms in all rows.
struct Pair {
    std::uint64_t key = 0;  ///< 0: a free slot
    std::int32_t count = 0;
    std::int32_t queued = 0;  ///< the count with which it entered the queue
    std::int32_t price = -1;  ///< -1: not known yet
    bool is_known = false;    ///< its sum exists already
};

/// Pairs by key: open addressing, so that an entry moves when another is erased.
class Pairs {
   public:
    Pairs() : slots_(1024) {}
    [[nodiscard]] Pair* find(std::uint64_t key) noexcept;
    Pair& at(std::uint64_t key);  ///< made if it is not there
    void erase(Pair* pair) noexcept;
    void clear();
    void prefetch(std::uint64_t key) const noexcept { __builtin_prefetch(&slots_[home(key)]); }
    [[nodiscard]] std::span<Pair> slots() noexcept { return slots_; }

   private:
    [[nodiscard]] std::size_t home(std::uint64_t key) const noexcept {
        return static_cast<std::size_t>((key * 0x9e3779b97f4a7c15u) >> 32) & (slots_.size() - 1);
    }
    std::vector<Pair> slots_;
    std::size_t used_ = 0;
};

struct GreedyOptions {
    double noise = 0;          ///< scores are changed by up to this share
    std::uint64_t salt = 0;    ///< of the noise
    bool reuses = false;       ///< whether a pair whose sum exists counts from one occurrence on
};

class Greedy {
   public:
    /// Replace pairs by nodes until none saves anything: the sum that saves most first, of equal
    /// ones that with the lowest key. Rows stay within their room.
    void run(Nodes& nodes, std::span<Row> rows, const Usable& usable, GreedyOptions options);

   private:
    struct Entry {
        std::int64_t score;
        std::uint64_t key;
        friend bool operator<(const Entry& a, const Entry& b) noexcept {
            return a.score != b.score ? a.score < b.score : a.key > b.key;
        }
    };
    struct Match {
        std::int32_t row;
        Term u, v;
    };

    void count(int row, Term term, int change);
    void add(int row, Term term);
    void remove(int row, Term term);
    void queue(Pair& pair);
    void push(std::int64_t score, std::uint64_t key);
    void queue_fresh();
    [[nodiscard]] std::int64_t score(const Pair& pair, std::int64_t count) const noexcept;
    void mark(int row, int node);
    void find_matches(Term x, Term y, std::int64_t need);
    void find_matches(int row, Term x, Term y, std::int64_t need);
    void replace(Term x, Term y, std::int64_t need, Term sum);

    Nodes* nodes_ = nullptr;
    std::span<Row> rows_;
    Usable usable_;
    GreedyOptions options_;
    Pairs pairs_;
    std::vector<Entry> heap_;
    std::vector<std::uint64_t> fresh_;  ///< keys whose count rose
    std::vector<std::uint64_t> keys_;   ///< scratch of `count`
    std::vector<Match> matches_;
    std::size_t words_ = 0;
    std::vector<std::uint64_t> holders_;  ///< by node: a bit for each row that holds it
};

}  // namespace hgq2rtl::cmvm
