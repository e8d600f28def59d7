// What many iterations of a string instruction do to host memory: copy, fill, search, compare.
//
// Pure functions on elements of 1, 2 or 4 bytes. The first element lies at the given addresses, the others behind it
// or, downwards, before it. All memory that they name is there; nobody else touches it meanwhile. The results are those
// of one element after another, overlaps included: what an element writes, a later one reads (SDM vol. 2B, MOVS).
#pragma once

#include "base/types.hpp"

#include <algorithm>
#include <cstring>

namespace truering::string_bulk {

enum class Course : u8 { Up, Down }; // EFLAGS.DF
enum class Until : u8 { Equal, Different };

namespace detail {

template <class W> inline W load(const u8* from) {
    W value;
    std::memcpy(&value, from, sizeof value);
    return value;
}

template <class T> void copy_one_by_one(u8* to, const u8* from, u32 count, Course course) {
    const i64 step = course == Course::Up ? i64{sizeof(T)} : -i64{sizeof(T)};
    for (u32 n = 0; n < count; ++n, to += step, from += step) {
        const T value = load<T>(from);
        std::memcpy(to, &value, sizeof value);
    }
}

// Bytes [0, done) of a pattern stand there; the pattern goes on, twice as far each time.
inline void repeat_up(u8* begin, u64 done, u64 bytes) {
    while (done < bytes) {
        const u64 more = std::min(done, bytes - done);
        std::memcpy(begin + done, begin, more);
        done += more;
    }
}
inline void repeat_down(u8* end, u64 done, u64 bytes) {
    while (done < bytes) {
        const u64 more = std::min(done, bytes - done);
        std::memcpy(end - done - more, end - more, more);
        done += more;
    }
}

template <class T> constexpr u64 ones = ~u64{0} / static_cast<T>(~T{0}); // 1 in every element of a word

// Is any of the elements in a word 0? (Borrows make some elements behind a true one lie, never the answer.)
template <class T> constexpr bool has_zero(u64 word) {
    return ((word - ones<T>)&~word & (ones<T> << (8 * sizeof(T) - 1))) != 0;
}

// Goes on while `differences` (of one element, and of as many as a word holds) say so; the number of elements looked
// at, the one that ends it included.
template <class T, class One, class Word> u32 run(u32 count, Until until, One one, Word word) {
    constexpr u32 in_word = sizeof(u64) / sizeof(T);
    u32 n = 0;
    if (until == Until::Different)
        while (n + in_word <= count && word(n) == 0) n += in_word;
    else
        while (n + in_word <= count && !has_zero<T>(word(n))) n += in_word;
    while (n < count)
        if ((one(n++) == 0) == (until == Until::Equal)) break;
    return n;
}

// Where the word lies that holds the elements from number n on.
template <class T> inline const u8* word_at(const u8* first, u32 n, Course course) {
    const u64 offset = u64{n} * sizeof(T);
    return course == Course::Up ? first + offset : first + sizeof(T) - offset - sizeof(u64);
}
template <class T> inline const u8* element_at(const u8* first, u32 n, Course course) {
    const u64 offset = u64{n} * sizeof(T);
    return course == Course::Up ? first + offset : first - offset;
}

} // namespace detail

template <class T> inline T element(const u8* first, u32 n, Course course) {
    return detail::load<T>(detail::element_at<T>(first, n, course));
}

template <class T> void copy(u8* to, const u8* from, u32 count, Course course) {
    using namespace detail;
    const u64 bytes = u64{count} * sizeof(T);
    const u64 below = course == Course::Up ? 0 : bytes - sizeof(T);
    u8* const low = to - below;
    const u8* const source = from - below;
    // How far the destination is ahead of the source in the direction of travel; 0 or beyond `bytes`: nothing smears.
    const i64 ahead = course == Course::Up ? low - source : source - low;
    if (low + bytes <= source || source + bytes <= low) {
        std::memcpy(low, source, bytes);
    } else if (ahead <= 0) {
        std::memmove(low, source, bytes);
    } else if (ahead < static_cast<i64>(sizeof(T))) {
        copy_one_by_one<T>(to, from, count, course);
    } else if (course == Course::Up) {
        const u64 pattern = static_cast<u64>(ahead);
        std::memcpy(low, source, pattern);
        repeat_up(low, pattern, bytes);
    } else {
        const u64 pattern = static_cast<u64>(ahead);
        std::memcpy(low + bytes - pattern, source + bytes - pattern, pattern);
        repeat_down(low + bytes, pattern, bytes);
    }
}

template <class T> void fill(u8* to, T value, u32 count, Course course) {
    const u64 bytes = u64{count} * sizeof(T);
    u8* const low = course == Course::Up ? to : to + sizeof(T) - bytes;
    if constexpr (sizeof(T) == 1) {
        std::memset(low, value, bytes);
    } else {
        constexpr unsigned line = 64;
        T pattern[line / sizeof(T)];
        std::fill(std::begin(pattern), std::end(pattern), value);
        u64 done = 0;
        for (; done + line <= bytes; done += line) std::memcpy(low + done, pattern, line);
        std::memcpy(low + done, pattern, bytes - done);
    }
}

// Looks for an element that is equal to a value, or that is not; the number looked at, the one found included.
template <class T> u32 search(const u8* first, T value, u32 count, Until until, Course course) {
    using namespace detail;
    const u64 wide = ones<T> * value;
    return run<T>(
        count, until, [&](u32 n) { return static_cast<T>(element<T>(first, n, course) ^ value); },
        [&](u32 n) { return load<u64>(word_at<T>(first, n, course)) ^ wide; });
}

// The same of two rows of elements, each of the one with its fellow in the other.
template <class T> u32 compare(const u8* a, const u8* b, u32 count, Until until, Course course) {
    using namespace detail;
    const auto difference = [&]<class W>(W, const u8* x, const u8* y) {
        return static_cast<W>(load<W>(x) ^ load<W>(y));
    };
    return run<T>(
        count, until, [&](u32 n) { return difference(T{}, element_at<T>(a, n, course), element_at<T>(b, n, course)); },
        [&](u32 n) { return difference(u64{}, word_at<T>(a, n, course), word_at<T>(b, n, course)); });
}

} // namespace truering::string_bulk
