// A row of the instruction table to an instruction of a random program: operands, prefixes and addresses at random, but
// mostly such that it succeeds.
//
// What makes it likely to: registers that hold the program's pointers are not written, addresses lie around them, and
// an instruction that fails with most values is preceded by others that see to its operands (a divisor, the count of a
// REP, a control word). Some do without such care: faults are wanted too.
#pragma once

#include "decoder/row.hpp"
#include "tests/random/assembler.hpp"
#include "tests/random/random.hpp"

namespace truering::random_test {

// What the code of a program may rest on.
struct Surroundings {
    CodeSize size = CodeSize::Bits32;
    u32 data_base = 0; // of DS
    u32 careless = 16; // one instruction in so many has no regard for success
};

class InstructionMaker {
  public:
    InstructionMaker(Random& random, const Surroundings& surroundings)
        : random_(random), surroundings_(surroundings), assembler_(surroundings.size, surroundings.data_base) {}

    // Appends an instruction of the row to a program, with what it needs in front of it.
    void append(unsigned row, Program& to);

    // General registers that hold pointers, as bits.
    static constexpr u8 kept = 1 << reg_ESP | 1 << reg_EBP | 1 << reg_ESI | 1 << reg_EDI | 1 << reg_EBX;

  private:
    struct Parts; // of the instruction being made

    void choose_sizes(Parts& p);
    void prepare(Parts& p, Program& to);
    void prepare_x87(Parts& p, Program& to);
    void choose_prefixes(Parts& p);
    void add_modrm(Parts& p, Program& to);
    void add_register_modrm(Parts& p);
    void add_memory_16(Parts& p);
    void add_memory_32(Parts& p, Program& to);
    void add_immediates(Parts& p);
    [[nodiscard]] u8 register_for(const Parts& p, const Operand& operand, bool written);
    [[nodiscard]] u8 operand_register(const Parts& p, Place first, Place second);
    [[nodiscard]] u32 displacement(const Parts& p);
    [[nodiscard]] bool careful() { return !random_.one_in(surroundings_.careless); }

    Random& random_;
    const Surroundings& surroundings_;
    Assembler assembler_;
};

} // namespace truering::random_test
