// The x87 environment in memory, in its four formats: 16 or 32 bits, with segmented pointers in protected mode and
// linear ones of 20 or 32 bits in real and virtual-8086 mode.
//
// An image is made in a buffer and written when all of it can be; an image is read whole before anything changes.
//
// Source: SDM volume 1, 8.1.10, figures 8-9 to 8-12; volume 2, FSAVE, FSTENV, FRSTOR, FLDENV.
#include "cpu/access.hpp"
#include "cpu/own/x87.hpp"
#include "cpu/own/x87_errors.hpp"

#include <array>
#include <cstring>

namespace truering {

namespace {

constexpr unsigned field_count = 7; // CW SW TW, two of the instruction, two of the operand
constexpr unsigned registers_size = 80;
constexpr unsigned largest_image = field_count * 4 + registers_size;

using Fields = std::array<u32, field_count>;

struct Image {
    std::array<u8, largest_image> bytes{};
    unsigned size = 0;
};

unsigned environment_size(const Instruction& insn) { return field_count * insn.operand_bytes(); }

// Bits 31:16 of the fields that have but 16 read as ones.
constexpr u32 unused_half = 0xFFFF'0000;

Fields segmented_fields(const FpuState& fpu) {
    const u32 fcs_opcode = fpu.fcs | u32{fpu.last_opcode} << 16;
    return {unused_half | fpu.control_word,
            unused_half | fpu.full_status_word(),
            unused_half | fpu.tag_word(),
            fpu.fip,
            fcs_opcode,
            fpu.fdp,
            unused_half | fpu.fds};
}

// Real mode: bits 15:0 of a linear address in one field, those from 16 on at bit 12 of the next.
Fields linear_fields(const FpuState& fpu) {
    const u32 instruction = (u32{fpu.fcs} << 4) + fpu.fip;
    const u32 operand = (u32{fpu.fds} << 4) + fpu.fdp;
    return {unused_half | fpu.control_word,
            unused_half | fpu.full_status_word(),
            unused_half | fpu.tag_word(),
            unused_half | (instruction & 0xFFFF),
            ((instruction >> 16) << 12) | fpu.last_opcode,
            unused_half | (operand & 0xFFFF),
            (operand >> 16) << 12};
}

void append_environment(const Cpu& cpu, const Instruction& insn, Image& image) {
    const Fields fields = cpu.uses_descriptors() ? segmented_fields(cpu.fpu) : linear_fields(cpu.fpu);
    for (const u32 field : fields) {
        std::memcpy(image.bytes.data() + image.size, &field, insn.operand_bytes());
        image.size += insn.operand_bytes();
    }
}

void append_registers(const FpuState& fpu, Image& image) {
    for (unsigned i = 0; i < 8; ++i) {
        std::memcpy(image.bytes.data() + image.size, &fpu.st(i).significand, 8);
        std::memcpy(image.bytes.data() + image.size + 8, &fpu.st(i).sign_exponent, 2);
        image.size += 10;
    }
}

void set_pointers(Cpu& cpu, const Instruction& insn, const Fields& fields) {
    FpuState& fpu = cpu.fpu;
    if (cpu.uses_descriptors()) {
        fpu.fip = fields[3];
        fpu.fcs = static_cast<u16>(fields[4]);
        fpu.fdp = fields[5];
        fpu.fds = static_cast<u16>(fields[6]);
        if (insn.operand_32) fpu.last_opcode = (fields[4] >> 16) & 0x7FF;
        return;
    }
    fpu.fip = (fields[3] & 0xFFFF) | (fields[4] & 0x0FFF'F000) << 4;
    fpu.fdp = (fields[5] & 0xFFFF) | (fields[6] & 0x0FFF'F000) << 4;
    fpu.fcs = fpu.fds = 0;
    fpu.last_opcode = fields[4] & 0x7FF;
}

void set_environment(Cpu& cpu, const Instruction& insn, const Image& image) {
    Fields fields{};
    for (unsigned i = 0; i < field_count; ++i) {
        std::memcpy(&fields[i], image.bytes.data() + i * insn.operand_bytes(), insn.operand_bytes());
    }
    cpu.fpu.set_control_word(static_cast<u16>(fields[0]));
    cpu.fpu.set_full_status_word(static_cast<u16>(fields[1]));
    cpu.fpu.set_tag_word(static_cast<u16>(fields[2]));
    set_pointers(cpu, insn, fields);
    update_ferr(cpu);
}

void set_registers(FpuState& fpu, const u8* from) {
    for (unsigned i = 0; i < 8; ++i, from += 10) {
        std::memcpy(&fpu.st(i).significand, from, 8);
        std::memcpy(&fpu.st(i).sign_exponent, from + 8, 2);
    }
}

// Images are multiples of two bytes.
Outcome write_image(Cpu& cpu, const Instruction& insn, const Image& image) {
    const u32 address = effective_address(cpu, insn);
    const SegmentIndex segment = operand_segment(insn);
    for (unsigned at = 0; at < image.size; at += 2) {
        if (const Outcome o = check_write(cpu, segment, address + at, 2); failed(o)) return o;
    }
    for (unsigned at = 0; at < image.size; at += 2) {
        u16 word;
        std::memcpy(&word, image.bytes.data() + at, 2);
        if (const Outcome o = write_memory(cpu, segment, address + at, word); failed(o)) return o;
    }
    return Outcome::Done;
}

Outcome read_image(Cpu& cpu, const Instruction& insn, Image& image) {
    const u32 address = effective_address(cpu, insn);
    for (unsigned at = 0; at < image.size; at += 2) {
        u16 word;
        if (const Outcome o = read_memory(cpu, operand_segment(insn), address + at, word); failed(o)) return o;
        std::memcpy(image.bytes.data() + at, &word, 2);
    }
    return Outcome::Done;
}

} // namespace

namespace op {

Outcome FNSTENV::run(Cpu& cpu, const Instruction& insn) {
    Image image;
    append_environment(cpu, insn, image);
    if (const Outcome o = write_image(cpu, insn, image); failed(o)) return o;
    cpu.fpu.set_control_word(cpu.fpu.control_word | fpu_status::exceptions); // a handler runs undisturbed
    update_ferr(cpu);
    return Outcome::Done;
}

Outcome FLDENV::run(Cpu& cpu, const Instruction& insn) {
    Image image{.bytes = {}, .size = environment_size(insn)};
    if (const Outcome o = read_image(cpu, insn, image); failed(o)) return o;
    set_environment(cpu, insn, image);
    return Outcome::Done;
}

Outcome FNSAVE::run(Cpu& cpu, const Instruction& insn) {
    Image image;
    append_environment(cpu, insn, image);
    append_registers(cpu.fpu, image);
    if (const Outcome o = write_image(cpu, insn, image); failed(o)) return o;
    cpu.fpu.fninit();
    update_ferr(cpu);
    return Outcome::Done;
}

Outcome FRSTOR::run(Cpu& cpu, const Instruction& insn) {
    Image image{.bytes = {}, .size = environment_size(insn) + registers_size};
    if (const Outcome o = read_image(cpu, insn, image); failed(o)) return o;
    set_environment(cpu, insn, image);
    set_registers(cpu.fpu, image.bytes.data() + environment_size(insn));
    return Outcome::Done;
}

} // namespace op

} // namespace truering
