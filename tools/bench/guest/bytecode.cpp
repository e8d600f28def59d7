// An interpreter of byte code: a stack machine that runs a sieve and a sum, as scripting languages spend their time.
// One turn is one run of the program.
#include "tools/bench/guest/kernels.hpp"

namespace bench {
namespace {

enum Code : uint8_t {
    Push,
    Load,
    Store,
    LoadAt,
    StoreAt,
    Add,
    Sub,
    Mul,
    Less,
    Jump,
    JumpIfZero,
    Duplicate,
    Drop,
    Halt
};

enum Variable : uint8_t { I, J, Sum, Variables };

constexpr uint8_t limit = 100;

// Places in the program are counted in bytes; those that are jumped to stand at the lines' ends.
constexpr uint8_t program[] = {
    Push, 0,     Store,     Sum,        Push,      2,          Store, I,          // 0: sum = 0, i = 2
    Load, I,     Push,      limit,      Less,      JumpIfZero, 48,                // 8: while i < limit
    Load, I,     LoadAt,    JumpIfZero, 22,        Jump,       39,                // 15: is i crossed out?
    Load, Sum,   Load,      I,          Duplicate, Mul,        Add,   Store, Sum, // 22: sum += i * i
    Load, I,     Duplicate, Add,        Store,     J,          Jump,  49,         // 31: j = i + i
    Load, I,     Push,      1,          Add,       Store,      I,     Jump,  8,   // 39: ++i
    Halt,                                                                         // 48
    Load, J,     Push,      limit,      Less,      JumpIfZero, 39,                // 49: while j < limit
    Push, 1,     Load,      J,          StoreAt,   Load,       J,     Load,  I,
    Add,  Store, J, // 56: cross out j, j += i
    Jump, 49,       // 68
};
static_assert(program[22] == Load && program[39] == Load && program[48] == Halt && sizeof program == 70);

[[gnu::noinline]] uint32_t interpret(uint8_t* crossed_out, uint32_t* variables) {
    uint32_t stack[16], *top = stack; // top: the first free place
    const uint8_t* at = program;
    for (;;) {
        switch (*at++) {
        case Push: *top++ = *at++; break;
        case Load: *top++ = variables[*at++]; break;
        case Store: variables[*at++] = *--top; break;
        case LoadAt: top[-1] = crossed_out[top[-1]]; break;
        case StoreAt: top -= 2, crossed_out[top[1]] = static_cast<uint8_t>(top[0]); break;
        case Add: --top, top[-1] += top[0]; break;
        case Sub: --top, top[-1] -= top[0]; break;
        case Mul: --top, top[-1] *= top[0]; break;
        case Less: --top, top[-1] = top[-1] < top[0]; break;
        case Jump: at = program + *at; break;
        case JumpIfZero: at = *--top ? at + 1 : program + *at; break;
        case Duplicate: *top = top[-1], ++top; break;
        case Drop: --top; break;
        default: return variables[Sum];
        }
    }
}

} // namespace

uint32_t bytecode(uint32_t turns) {
    static uint8_t crossed_out[limit];
    static uint32_t variables[Variables];
    uint32_t sum = 0;
    while (turns--) {
        for (uint8_t& c : crossed_out) c = 0;
        sum = sum * 31 + interpret(crossed_out, variables);
    }
    return sum;
}

} // namespace bench
