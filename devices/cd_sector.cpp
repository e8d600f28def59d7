#include "devices/cd_sector.hpp"

#include "base/bits.hpp"

#include <algorithm>

namespace truering {

namespace {

constexpr u64 frames_per_second = 75;
constexpr u64 lead_in_frames = 150;

constexpr size_t edc_offset = cd_sync_size + cd_header_size + cd_data_size; // 2064
constexpr size_t p_offset = edc_offset + 12;
constexpr size_t q_offset = p_offset + 172;

// Error detection: a CRC with the generator (x^16+x^15+x^2+1)(x^16+x^2+x+1), lowest bit first.
u32 edc(std::span<const u8> bytes) {
    constexpr u32 generator = 0xD801'8001;
    u32 crc = 0;
    for (u8 byte : bytes) {
        crc ^= byte;
        for (int i = 0; i < 8; ++i) crc = (crc >> 1) ^ ((crc & 1) != 0 ? generator : 0);
    }
    return crc;
}

// Multiplication by x in GF(2^8) with x^8+x^4+x^3+x^2+1.
constexpr u8 times_x(u8 value) { return static_cast<u8>((value << 1) ^ ((value & 0x80) != 0 ? 0x1D : 0)); }

// The divisor of the second parity byte, x+1, has an inverse that a table gives.
struct DivideByXPlus1 {
    std::array<u8, 256> of{};
    constexpr DivideByXPlus1() {
        for (unsigned i = 0; i < 256; ++i) of[static_cast<u8>(times_x(static_cast<u8>(i)) ^ i)] = static_cast<u8>(i);
    }
};
constexpr DivideByXPlus1 divide_by_x_plus_1;

// Two parity bytes for each of `words` code words of `length` bytes: the low and high bytes of the 16-bit columns are
// independent codes, `step` and `stride` bytes walk along a word and from word to word within the area of `wrap` bytes.
struct Parity {
    size_t words;
    size_t length;
    size_t step;
    size_t stride;
    size_t wrap;
};

void add_parity(std::span<const u8> area, const Parity& code, std::span<u8> parity) {
    for (size_t word = 0; word < code.words; ++word) {
        size_t at = (word >> 1) * code.stride + (word & 1);
        u8 weighted = 0;
        u8 sum = 0;
        for (size_t i = 0; i < code.length; ++i) {
            weighted = times_x(static_cast<u8>(weighted ^ area[at]));
            sum = static_cast<u8>(sum ^ area[at]);
            at += code.step;
            if (at >= code.wrap) at -= code.wrap;
        }
        const u8 first = divide_by_x_plus_1.of[static_cast<u8>(times_x(weighted) ^ sum)];
        parity[word] = first;
        parity[word + code.words] = static_cast<u8>(first ^ sum);
    }
}

} // namespace

CdTime cd_time(u64 block) {
    const u64 frames = block + lead_in_frames;
    const u64 minutes = frames / (60 * frames_per_second);
    if (minutes > 255) return {255, 59, 74};
    return {static_cast<u8>(minutes), static_cast<u8>(frames / frames_per_second % 60),
            static_cast<u8>(frames % frames_per_second)};
}

u64 cd_block(CdTime time) {
    const u64 frames = (u64{time.minute} * 60 + time.second) * frames_per_second + time.frame;
    return frames < lead_in_frames ? 0 : frames - lead_in_frames;
}

std::array<u8, cd_raw_size> make_cd_sector(u64 block, std::span<const u8, cd_data_size> data) {
    std::array<u8, cd_raw_size> raw{};
    std::fill(raw.begin() + 1, raw.begin() + 11, u8{0xFF});
    const CdTime time = cd_time(block);
    raw[12] = to_bcd(time.minute);
    raw[13] = to_bcd(time.second);
    raw[14] = to_bcd(time.frame);
    raw[15] = 1; // mode 1
    std::copy(data.begin(), data.end(), raw.begin() + 16);
    const u32 code = edc(std::span(raw).first(edc_offset));
    for (size_t i = 0; i < 4; ++i) raw[edc_offset + i] = static_cast<u8>(code >> (8 * i));
    // P runs down 86 columns of 24 bytes, Q along 52 diagonals of 43; Q covers P as well.
    const std::span<u8> area = std::span(raw).subspan(cd_sync_size);
    add_parity(area, {86, 24, 86, 2, 2064}, std::span(raw).subspan(p_offset, 172));
    add_parity(area, {52, 43, 88, 86, 2236}, std::span(raw).subspan(q_offset, 104));
    return raw;
}

} // namespace truering
