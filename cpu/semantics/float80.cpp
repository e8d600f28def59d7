#include "cpu/semantics/float80.hpp"

#include <array>

namespace truering {

Float80 float80_from(PackedBcd bcd) {
    u64 magnitude = 0; // 18 digits of at most 15 are below 2^63
    for (int place = 1; place >= 0; --place) magnitude = magnitude * 10 + ((bcd.sign_digits >> (place * 4)) & 15u);
    for (int place = 15; place >= 0; --place) magnitude = magnitude * 10 + ((bcd.digits >> (place * 4)) & 15u);
    Float80 value = float80_from(static_cast<i64>(magnitude));
    value.sign_exponent = static_cast<u16>(value.sign_exponent | (bcd.sign_digits & 0x8000)); // -0 keeps its sign
    return value;
}

namespace {

// A constant cut off towards zero, and whether rounding to nearest takes the next one.
struct CutConstant {
    Float80 value;
    bool nearest_is_up;
    bool exact;
};

constexpr std::array<CutConstant, 7> cut_constants{{
    {{0x8000'0000'0000'0000, 0x3FFF}, false, true},  // 1
    {{0xD49A'784B'CD1B'8AFE, 0x4000}, false, false}, // log2 10
    {{0xB8AA'3B29'5C17'F0BB, 0x3FFF}, true, false},  // log2 e
    {{0xC90F'DAA2'2168'C234, 0x4000}, true, false},  // pi
    {{0x9A20'9A84'FBCF'F798, 0x3FFD}, true, false},  // log10 2
    {{0xB172'17F7'D1CF'79AB, 0x3FFE}, true, false},  // ln 2
    {{0, 0}, false, true},                           // 0
}};

} // namespace

Float80 float80_constant(FpuConstant constant, u16 control_word) {
    const CutConstant& cut = cut_constants[static_cast<unsigned>(constant)];
    const unsigned rc = (control_word >> 10) & 3u;
    constexpr unsigned nearest = 0;
    constexpr unsigned up = 2;
    const bool next = !cut.exact && (rc == up || (rc == nearest && cut.nearest_is_up));
    return {cut.value.significand + (next ? 1 : 0), cut.value.sign_exponent};
}

} // namespace truering
