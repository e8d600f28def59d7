// The x87 operations on a host of the same family: the host's own x87 unit runs the guest's instruction.
//
// The idea: the guest's operands are loaded on the host's (empty) stack, its control word is loaded with all its masks,
// and the instruction runs. What it leaves is by definition right: value, flags, C bits, the scaled result of an
// unmasked overflow, the operands untouched by an unmasked invalid operation, and the stack pushed, popped or not.
//
// An exception that the guest does not mask is only pending in the host's unit after the instruction; it would be
// delivered by the next *waiting* x87 instruction. So the status is read by FNSTSW and cleared by FNCLEX, which do not
// wait, before anything else touches the unit. No host exception is ever delivered.
//
// Life cycle of one operation: HostUnit's constructor (flags clear, guest's control word in), loads, the instruction,
// HostUnit::finish (status out, host's control word in), stores that empty the stack.
//
// FNCLEX and the first setting of PE cost more than all the rest of an operation. Flags are therefore left set in the
// host's status word while they are masked and the guest's own status word holds them as well; they are cleared where
// one would be taken for the guest's, or be pending.
//
// Loads, stores and comparisons of plain numbers do not come here at all (x87_plain.hpp).
//
// Invariants: the host's stack is empty before and after, as its calling convention asks; the control word is as it
// was; no exception is pending; the host's sticky x87 flags are lost. The functions hold no floating-point value of
// C++, so between the statements of a sequence the compiler has no business with the x87 stack; the constructor's
// clobbers tell it that nothing can live there.
#include "cpu/semantics/x87_operations.hpp"
#include "cpu/semantics/x87_plain.hpp"

#if defined(__x86_64__)

namespace truering::x87 {

namespace {

constexpr u16 exceptions = fpu_status::exceptions;

class HostUnit {
  public:
    explicit HostUnit(Environment environment) : guest_control_word_{environment.control_word} {
        u16 status;
        asm volatile("fnstcw %0\n\tfnstsw %1"
                     : "=m"(host_control_word_), "=a"(status)
                     :
                     : "st", "st(1)", "st(2)", "st(3)", "st(4)", "st(5)", "st(6)", "st(7)");
        const unsigned harmless = environment.sticky & guest_control_word_;
        if ((status & exceptions & ~harmless) != 0) asm volatile("fnclex");
        top_ = top(status);
        if (guest_control_word_ != host_control_word_) asm volatile("fldcw %0" : : "m"(guest_control_word_));
    }
    HostUnit(const HostUnit&) = delete;
    HostUnit& operator=(const HostUnit&) = delete;

    // To be called right behind the instruction. Returns its exceptions and condition bits.
    u16 finish() {
        u16 status;
        asm volatile("fnstsw %0" : "=a"(status));
        const unsigned masked = guest_control_word_ & host_control_word_;
        if ((status & exceptions & ~masked) != 0) asm volatile("fnclex");
        if (guest_control_word_ != host_control_word_) asm volatile("fldcw %0" : : "m"(host_control_word_));
        depth_ = static_cast<int>((top_ - top(status)) & 7u);
        return static_cast<u16>(status & (exceptions | fpu_status::conditions));
    }

    // After finish: how many values stand on the host's stack.
    [[nodiscard]] int depth() const { return depth_; }

  private:
    static unsigned top(u16 status) { return (status >> 11) & 7u; }

    u16 guest_control_word_;
    u16 host_control_word_;
    unsigned top_;
    int depth_ = 0;
};

void load_st(const Float80& value) { asm volatile("fldt %0" : : "m"(value)); }
void pop_to(Float80& value) { asm volatile("fstpt %0" : "+m"(value)); }
void discard() { asm volatile("fstp %st(0)"); }

void run(Arithmetic operation) {
    switch (operation) {
    case Arithmetic::FADD: asm volatile("fadd %st(1), %st"); break;
    case Arithmetic::FMUL: asm volatile("fmul %st(1), %st"); break;
    case Arithmetic::FSUB: asm volatile("fsub %st(1), %st"); break;
    case Arithmetic::FSUBR: asm volatile("fsubr %st(1), %st"); break;
    case Arithmetic::FDIV: asm volatile("fdiv %st(1), %st"); break;
    case Arithmetic::FDIVR: asm volatile("fdivr %st(1), %st"); break;
    }
}

void run(Arithmetic operation, const Float32& source) {
    switch (operation) {
    case Arithmetic::FADD: asm volatile("fadds %0" : : "m"(source)); break;
    case Arithmetic::FMUL: asm volatile("fmuls %0" : : "m"(source)); break;
    case Arithmetic::FSUB: asm volatile("fsubs %0" : : "m"(source)); break;
    case Arithmetic::FSUBR: asm volatile("fsubrs %0" : : "m"(source)); break;
    case Arithmetic::FDIV: asm volatile("fdivs %0" : : "m"(source)); break;
    case Arithmetic::FDIVR: asm volatile("fdivrs %0" : : "m"(source)); break;
    }
}

void run(Arithmetic operation, const Float64& source) {
    switch (operation) {
    case Arithmetic::FADD: asm volatile("faddl %0" : : "m"(source)); break;
    case Arithmetic::FMUL: asm volatile("fmull %0" : : "m"(source)); break;
    case Arithmetic::FSUB: asm volatile("fsubl %0" : : "m"(source)); break;
    case Arithmetic::FSUBR: asm volatile("fsubrl %0" : : "m"(source)); break;
    case Arithmetic::FDIV: asm volatile("fdivl %0" : : "m"(source)); break;
    case Arithmetic::FDIVR: asm volatile("fdivrl %0" : : "m"(source)); break;
    }
}

void run(Arithmetic operation, const i16& source) {
    switch (operation) {
    case Arithmetic::FADD: asm volatile("fiadds %0" : : "m"(source)); break;
    case Arithmetic::FMUL: asm volatile("fimuls %0" : : "m"(source)); break;
    case Arithmetic::FSUB: asm volatile("fisubs %0" : : "m"(source)); break;
    case Arithmetic::FSUBR: asm volatile("fisubrs %0" : : "m"(source)); break;
    case Arithmetic::FDIV: asm volatile("fidivs %0" : : "m"(source)); break;
    case Arithmetic::FDIVR: asm volatile("fidivrs %0" : : "m"(source)); break;
    }
}

void run(Arithmetic operation, const i32& source) {
    switch (operation) {
    case Arithmetic::FADD: asm volatile("fiaddl %0" : : "m"(source)); break;
    case Arithmetic::FMUL: asm volatile("fimull %0" : : "m"(source)); break;
    case Arithmetic::FSUB: asm volatile("fisubl %0" : : "m"(source)); break;
    case Arithmetic::FSUBR: asm volatile("fisubrl %0" : : "m"(source)); break;
    case Arithmetic::FDIV: asm volatile("fidivl %0" : : "m"(source)); break;
    case Arithmetic::FDIVR: asm volatile("fidivrl %0" : : "m"(source)); break;
    }
}

void run_compare(const Float32& source) { asm volatile("fcoms %0" : : "m"(source)); }
void run_compare(const Float64& source) { asm volatile("fcoml %0" : : "m"(source)); }
void run_compare(const i16& source) { asm volatile("ficoms %0" : : "m"(source)); }
void run_compare(const i32& source) { asm volatile("ficoml %0" : : "m"(source)); }

void run_load(const Float32& source) { asm volatile("flds %0" : : "m"(source)); }
void run_load(const Float64& source) { asm volatile("fldl %0" : : "m"(source)); }

void run_store(Float32& destination) { asm volatile("fsts %0" : "+m"(destination)); }
void run_store(Float64& destination) { asm volatile("fstl %0" : "+m"(destination)); }
void run_store(i16& destination) { asm volatile("fists %0" : "+m"(destination)); }
void run_store(i32& destination) { asm volatile("fistl %0" : "+m"(destination)); }
void run_store(i64& destination) { asm volatile("fistpll %0" : "+m"(destination)); }
void run_store(PackedBcd& destination) { asm volatile("fbstp %0" : "+m"(destination)); }

void run(Function function) {
    switch (function) {
    case Function::FSQRT: asm volatile("fsqrt"); break;
    case Function::FRNDINT: asm volatile("frndint"); break;
    case Function::F2XM1: asm volatile("f2xm1"); break;
    case Function::FSIN: asm volatile("fsin"); break;
    case Function::FCOS: asm volatile("fcos"); break;
    case Function::FSCALE: asm volatile("fscale"); break;
    case Function::FPREM: asm volatile("fprem"); break;
    case Function::FPREM1: asm volatile("fprem1"); break;
    case Function::FYL2X: asm volatile("fyl2x"); break;
    case Function::FYL2XP1: asm volatile("fyl2xp1"); break;
    case Function::FPATAN: asm volatile("fpatan"); break;
    case Function::FXTRACT: asm volatile("fxtract"); break;
    case Function::FPTAN: asm volatile("fptan"); break;
    case Function::FSINCOS: asm volatile("fsincos"); break;
    }
}

template <class Source> Result arithmetic_with_memory(Arithmetic operation, Environment environment,
                                                      const Float80& destination, Source source) {
    HostUnit unit{environment};
    load_st(destination);
    run(operation, source);
    Result result;
    result.status = unit.finish();
    pop_to(result.value);
    return result;
}

template <class Source> u16 compare_with_memory(Environment environment, const Float80& st0, Source source) {
    if (const auto plain = plain_load(source)) {
        if (const auto status = plain_compare(st0, *plain)) return *status;
    }
    HostUnit unit{environment};
    load_st(st0);
    run_compare(source);
    const u16 status = unit.finish();
    discard();
    return status;
}

template <class Source> Result load_from_memory(Environment environment, Source source) {
    if (const auto plain = plain_load(source)) return {*plain, 0};
    HostUnit unit{environment};
    run_load(source);
    Result result;
    result.status = unit.finish();
    if (unit.depth() != 0) pop_to(result.value);
    return result;
}

template <class Destination> Stored<Destination> store_to_memory(Environment environment, const Float80& source) {
    HostUnit unit{environment};
    load_st(source);
    Stored<Destination> result;
    run_store(result.value);
    result.status = unit.finish();
    constexpr u16 preventing = fpu_status::IE | fpu_status::OE | fpu_status::UE;
    result.stored = (unmasked(result.status, environment.control_word) & preventing) == 0;
    if (unit.depth() != 0) discard();
    return result;
}

} // namespace

Result arithmetic(Arithmetic operation, Environment environment, const Float80& destination, const Float80& source) {
    HostUnit unit{environment};
    load_st(source);
    load_st(destination);
    run(operation);
    Result result;
    result.status = unit.finish();
    pop_to(result.value);
    discard();
    return result;
}

Result arithmetic(Arithmetic operation, Environment environment, const Float80& destination, Float32 source) {
    return arithmetic_with_memory(operation, environment, destination, source);
}
Result arithmetic(Arithmetic operation, Environment environment, const Float80& destination, Float64 source) {
    return arithmetic_with_memory(operation, environment, destination, source);
}
Result arithmetic(Arithmetic operation, Environment environment, const Float80& destination, i16 source) {
    return arithmetic_with_memory(operation, environment, destination, source);
}
Result arithmetic(Arithmetic operation, Environment environment, const Float80& destination, i32 source) {
    return arithmetic_with_memory(operation, environment, destination, source);
}

u16 compare(Comparison kind, Environment environment, const Float80& st0, const Float80& source) {
    if (const auto status = plain_compare(st0, source)) return *status;
    HostUnit unit{environment};
    load_st(source);
    load_st(st0);
    if (kind == Comparison::Ordered) {
        asm volatile("fcom %st(1)");
    } else {
        asm volatile("fucom %st(1)");
    }
    const u16 status = unit.finish();
    discard();
    discard();
    return status;
}

u16 compare(Environment environment, const Float80& st0, Float32 source) {
    return compare_with_memory(environment, st0, source);
}
u16 compare(Environment environment, const Float80& st0, Float64 source) {
    return compare_with_memory(environment, st0, source);
}
u16 compare(Environment environment, const Float80& st0, i16 source) {
    return compare_with_memory(environment, st0, source);
}
u16 compare(Environment environment, const Float80& st0, i32 source) {
    return compare_with_memory(environment, st0, source);
}

Evaluation evaluate(Function function, Environment environment, const Float80& st0, const Float80& st1) {
    HostUnit unit{environment};
    load_st(st1);
    load_st(st0);
    run(function);
    Evaluation result;
    result.status = unit.finish();
    result.depth = unit.depth() - 2;
    pop_to(result.st0);
    if (result.depth >= 0) pop_to(result.st1);
    if (result.depth > 0) discard();
    return result;
}

Result load(Environment environment, Float32 source) { return load_from_memory(environment, source); }
Result load(Environment environment, Float64 source) { return load_from_memory(environment, source); }

Stored<Float32> store_float32(Environment environment, const Float80& source) {
    if (const auto plain = plain_store_float32(source)) return {{*plain}, 0, true};
    return store_to_memory<Float32>(environment, source);
}
Stored<Float64> store_float64(Environment environment, const Float80& source) {
    if (const auto plain = plain_store_float64(source)) return {{*plain}, 0, true};
    return store_to_memory<Float64>(environment, source);
}
Stored<i16> store_i16(Environment environment, const Float80& source) {
    return store_to_memory<i16>(environment, source);
}
Stored<i32> store_i32(Environment environment, const Float80& source) {
    return store_to_memory<i32>(environment, source);
}
Stored<i64> store_i64(Environment environment, const Float80& source) {
    return store_to_memory<i64>(environment, source);
}
Stored<PackedBcd> store_bcd(Environment environment, const Float80& source) {
    return store_to_memory<PackedBcd>(environment, source);
}

} // namespace truering::x87

#endif
