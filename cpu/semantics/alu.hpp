// Integer arithmetic and logic, as bodies on values: what ADD computes, whatever its operands are.
//
// A body is `apply(flags, operands...)` and returns the result; for shape R (CMP, TEST) the result is dropped.
// T is the operand's type: u8, u16 or u32. Flags: SDM vol. 1, appendix A. Undefined flags follow the processors that
// the test data was captured on.
#pragma once

#include "cpu/flags.hpp"

namespace truering::op {

struct ADD {
    template <class T> static T apply(ArithmeticFlags& flags, T a, T b) {
        const T result = static_cast<T>(a + b);
        flags.set_add<T>(a, b, result);
        return result;
    }
};

struct ADC {
    template <class T> static T apply(ArithmeticFlags& flags, T a, T b) {
        const T result = static_cast<T>(a + b + (flags.CF() ? 1 : 0));
        flags.set_add<T>(a, b, result);
        return result;
    }
};

struct SUB {
    template <class T> static T apply(ArithmeticFlags& flags, T a, T b) {
        const T result = static_cast<T>(a - b);
        flags.set_sub<T>(a, b, result);
        return result;
    }
};

struct CMP : SUB {};

struct SBB {
    template <class T> static T apply(ArithmeticFlags& flags, T a, T b) {
        const T result = static_cast<T>(a - b - (flags.CF() ? 1 : 0));
        flags.set_sub<T>(a, b, result);
        return result;
    }
};

struct AND {
    template <class T> static T apply(ArithmeticFlags& flags, T a, T b) {
        const T result = static_cast<T>(a & b);
        flags.set_logic<T>(result);
        return result;
    }
};

struct TEST : AND {};

struct OR {
    template <class T> static T apply(ArithmeticFlags& flags, T a, T b) {
        const T result = static_cast<T>(a | b);
        flags.set_logic<T>(result);
        return result;
    }
};

struct XOR {
    template <class T> static T apply(ArithmeticFlags& flags, T a, T b) {
        const T result = static_cast<T>(a ^ b);
        flags.set_logic<T>(result);
        return result;
    }
};

struct NOT {
    template <class T> static T apply(ArithmeticFlags&, T a) { return static_cast<T>(~a); }
};

struct NEG {
    template <class T> static T apply(ArithmeticFlags& flags, T a) { return SUB::apply<T>(flags, T{0}, a); }
};

struct INC {
    template <class T> static T apply(ArithmeticFlags& flags, T a) {
        const bool cf = flags.CF();
        const T result = static_cast<T>(a + 1);
        constexpr T most_negative = static_cast<T>(T{1} << (bit_count<T> - 1));
        flags.set_result<T>(result, cf, result == most_negative, (result & 0xF) == 0);
        return result;
    }
};

struct DEC {
    template <class T> static T apply(ArithmeticFlags& flags, T a) {
        const bool cf = flags.CF();
        const T result = static_cast<T>(a - 1);
        constexpr T most_positive = static_cast<T>((T{1} << (bit_count<T> - 1)) - 1);
        flags.set_result<T>(result, cf, result == most_positive, (result & 0xF) == 0xF);
        return result;
    }
};

// The two- and three-operand forms: CF and OF tell that the product does not fit.
struct IMUL {
    template <class T> static T apply(ArithmeticFlags& flags, T a, T b) {
        const i64 product = i64{static_cast<i32>(sign_extended(a))} * static_cast<i32>(sign_extended(b));
        const T result = static_cast<T>(product);
        const bool lost = product != static_cast<i32>(sign_extended(result));
        flags.set_result<T>(result, lost, lost, false);
        return result;
    }
};

// W: the first operand is not read.
struct MOV {
    template <class T> static T apply(ArithmeticFlags&, T a) { return a; }
};

struct MOVZX {
    template <class T, class S> static T convert(S a) { return a; }
};

struct MOVSX {
    template <class T, class S> static T convert(S a) { return static_cast<T>(sign_extended(a)); }
};

} // namespace truering::op
