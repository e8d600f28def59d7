// Section 6, "Not restricted", at random: an instruction that the mode does not restrict does the same in the mode as
// on the bare processor. The same random bytes are executed in the same state, once by root in ring 3 or in V86 mode,
// once by a guest; then registers, flags, the exception, its error code and address, and memory are compared.
//
// TF is set, so each run ends by itself, with a fault or with the step's trap. The guest uses root's own tables, and
// all its exceptions exit. One page of data and the code are the user's, all else is the supervisor's on both sides.
#include "tests/v32/random.hpp"

using namespace proof;

namespace {

constexpr u32 cases = 20000;
constexpr u32 data = scratch + 0x10000, saved = scratch + 0x20000, of_root = scratch + 0x21000,
              saved_code = scratch + 0x22000, code_of_root = scratch + 0x23000; // pages
constexpr u32 v86_data = 0x68000, v86_code = 0x58000;

void copy_page(u32 to, u32 from) {
    u32 count = 1024;
    asm volatile("rep movsl" : "+D"(to), "+S"(from), "+c"(count) : : "memory");
}

bool same_page(u32 a, u32 b) {
    u32 count = 1024;
    bool same;
    asm volatile("repe cmpsl" : "+D"(a), "+S"(b), "+c"(count), "=@cce"(same) : : "memory");
    return same;
}

// --- State

struct State {
    bool v86;
    u32 code, page; // linear
    u32 eflags;
    u32 gpr[8];
};

State random_registers(bool v86) {
    State s{v86, v86 ? v86_code : placed_at, v86 ? v86_data : data, always | TF, {}};
    s.eflags |= random() & (status_flags | DF);
    if (random_below(4) == 0) s.eflags |= AC;
    if (v86) s.eflags |= VM | (random_below(2) ? IOPL3 | IF : 0);
    for (u32& r : s.gpr) {
        r = random_below(2) ? random() : random_below(0x40);
        if (random_below(4)) r = (v86 ? 0 : data) + random_below(0xff8) + (random_below(8) ? 0 : 4);
    }
    s.gpr[ESP] = (v86 ? 0 : data) + 0x400 + (random_below(0x200) & (random_below(8) ? ~3u : ~0u));
    if (random_below(2)) s.gpr[ECX] = random_below(4);
    return s;
}

Event run_in_root(const State& s) {
    Registers r = in_ring(3, reinterpret_cast<Code>(s.code));
    if (s.v86) {
        r.cs = s.code >> 4;
        r.eip = 0;
        r.ss = r.ds = r.es = r.fs = r.gs = s.page >> 4;
    }
    r.eflags = s.eflags;
    r.eax = s.gpr[EAX];
    r.ecx = s.gpr[ECX];
    r.edx = s.gpr[EDX];
    r.ebx = s.gpr[EBX];
    r.esp = s.gpr[ESP];
    r.ebp = s.gpr[EBP];
    r.esi = s.gpr[ESI];
    r.edi = s.gpr[EDI];
    return enter(r);
}

void run_in_the_mode(ControlArea& area, const State& s, const StateRecord& start) {
    StateRecord& guest = area.guest;
    guest = start;
    for (u32 i = 0; i < 8; ++i) guest.gpr[i] = s.gpr[i];
    guest.eflags = s.eflags & ~IF;
    guest.sif = (s.eflags & IF) != 0;
    guest.eip = s.v86 ? 0 : s.code;
    enter(vmm_registers());
}

// --- The judgement

class Judge {
  public:
    Judge(const State& s_, const char* name_) : s(s_), name(name_) {}
    bool right = true;
    void equal(const char* what, u32 mode, u32 root) {
        if (mode == root) return;
        if (right) say_bytes();
        right = false;
        check_equal(Name(name, ": ", what), mode, root);
    }

  private:
    void say_bytes() { // four words of code, and EFLAGS
        for (u32 i = 0; i < 4; ++i) check_equal(Name(name, ": bytes of the code"), word_at(s.code + 4 * i), 0);
        check_equal(Name(name, ": EFLAGS before"), s.eflags, 0);
    }
    const State& s;
    const char* name;
};

void compare_registers(Judge& judge, const State& s, const StateRecord& guest, const Event& root) {
    const Registers& now = root.now;
    const u32 gpr[8] = {now.eax, now.ecx, now.edx, now.ebx, root.esp, now.ebp, now.esi, now.edi};
    for (u32 i = 0; i < 8; ++i) judge.equal("a GPR", guest.gpr[i], gpr[i]);
    judge.equal("EIP", guest.eip, root.eip);
    judge.equal("EFLAGS", (guest.eflags & ~IF) | (guest.sif ? u32{IF} : 0), root.eflags);
    const bool to_v86 = s.v86;
    const u32 selectors[6] = {
        to_v86 ? root.es : now.es, root.cs, root.ss, to_v86 ? root.ds : now.ds, to_v86 ? root.fs : now.fs,
        to_v86 ? root.gs : now.gs};
    for (u32 i = 0; i < 6; ++i) judge.equal("a selector", guest.segment[i].selector, selectors[i] & 0xffff);
}

// MOV SS has held the step's trap back, and the instruction in its shadow did not complete: root takes the trap at the
// first boundary of the handler, the exit leaves it pending.
bool trap_in_the_handler(Judge& judge, const ControlArea& area, const Event& root, u32 vector) {
    if (!area.guest.pending_debug) return false;
    judge.equal("pending_debug", area.guest.pending_debug, 0x4000);
    judge.equal("root's trap", root.vector, vector::DB);
    judge.equal("root's trap, at the handler", root.eip, handler_of(vector));
    return true;
}

void compare_exception(Judge& judge, const State& s, const ControlArea& area, const Event& root, u32 root_cr2) {
    const u32 vector = area.exit.event & event_vector;
    if (trap_in_the_handler(judge, area, root, vector)) return;
    judge.equal("vector", vector, root.vector);
    const bool coded = area.exit.event & event_has_error_code;
    judge.equal("error code", coded ? area.exit.event_error_code : no_error_code, root.error_code);
    if (vector == vector::PF) judge.equal("CR2", area.exit.qualification_value, root_cr2);
    compare_registers(judge, s, area.guest, root);
    judge.equal("memory", same_page(s.page, of_root), true);
    judge.equal("its code", same_page(s.code, code_of_root), true);
}

// The software interrupts exit before their gate, of DPL 0 but for INT 40H, refuses them to root's program.
void compare_software_interrupt(Judge& judge, const ControlArea& area, const Event& root) {
    const u32 n = area.exit.qualification & soft_vector;
    if (trap_in_the_handler(judge, area, root, n == 0x40 ? n : vector::GP)) return;
    if (root.vector == vector::GP) {
        judge.equal("gate's error code", root.error_code, n * 8 + 2);
        judge.equal("EIP", area.guest.eip, root.eip);
    } else {
        judge.equal("vector", n, root.vector);
        judge.equal("EIP", area.guest.eip + area.exit.instruction_length, root.eip);
    }
}

struct Counts {
    u32 exceptions, steps, restricted;
} counts;

void one(ControlArea& area, const StateRecord& start, bool v86) {
    const State s = random_registers(v86);
    random_code(s.code);
    copy_page(s.page, saved);
    copy_page(saved_code, s.code); // 8086 programs may write to it
    const Event root = run_in_root(s);
    const u32 root_cr2 = conformance::cr2();
    copy_page(of_root, s.page);
    copy_page(code_of_root, s.code);
    copy_page(s.page, saved);
    copy_page(s.code, saved_code);
    run_in_the_mode(area, s, start);

    Judge judge(s, v86 ? "6/bare and in the mode, V86" : "6/bare and in the mode, ring 3");
    switch (static_cast<Reason>(area.exit.exit_reason)) {
    case Reason::EXCEPTION:
        ++((area.exit.event & event_vector) == vector::DB ? counts.steps : counts.exceptions);
        compare_exception(judge, s, area, root, root_cr2);
        break;
    case Reason::SOFT_INT:
        ++counts.restricted;
        compare_software_interrupt(judge, area, root);
        break;
    case Reason::CPUID:
    case Reason::CR_ACCESS: // SMSW
    case Reason::V32CALL:
        ++counts.restricted;
        judge.equal("EIP", area.guest.eip, start.eip);
        break;
    default: judge.equal("exit_reason", area.exit.exit_reason, static_cast<u32>(Reason::EXCEPTION));
    }
}

// --- The two worlds

void supervisor_but(u32 page, u32 code) {
    for (u32 linear = 0; linear < scratch_end; linear += 0x1000) {
        const bool user = linear == page || linear == (code & ~0xfffu);
        root_page(linear) = linear | page_present | page_writable | (user ? u32{page_user} : 0);
        guest_page(linear) = root_page(linear);
    }
    guest_directory[0x3fb] = root_directory[0x3fb]; // the APICs
    set_cr3(address(root_directory));
}

void all(bool v86) {
    ControlArea& area =
        v86 ? fresh_v86(reinterpret_cast<Code>(placed_at)) : fresh_area(reinterpret_cast<Code>(placed_at), 3);
    supervisor_but(v86 ? v86_data : data, v86 ? v86_code : placed_at);
    StateRecord& guest = area.guest;
    area.controls = IF_SHADOW;
    guest.cr0 = conformance::cr0();
    guest.cr4 = conformance::cr4();
    guest.gdtr = {sizeof gdt - 1, address(gdt)};
    guest.idtr = {sizeof idt - 1, address(idt)};
    guest.sysenter_cs = 0;
    set_segment(guest.segment[TR], tss_selector, busy_tss, sizeof tss - 1, address(&tss));
    guest.eip = v86 ? 0 : placed_at;
    if (v86) {
        for (u32 i = ES; i <= GS; ++i) set_segment(guest.segment[i], v86_data >> 4, v86_segment, 0xffff, v86_data);
        set_segment(guest.segment[CS], v86_code >> 4, v86_segment, 0xffff, v86_code);
    }
    const StateRecord start = guest;
    for (u32 i = 0; i < cases; ++i) one(area, start, v86);
}

} // namespace

void v32_tests() {
    out8(0x21, 0xff); // no interrupts: root's IF is 1 in some
    out8(0xa1, 0xff);
    write_msr(0x174, 0); // SYSENTER is #GP
    fresh_area(reinterpret_cast<Code>(placed_at));
    for (u32 i = 0; i < 4096; i += 4) word_at(saved + i) = random();
    for (u32 i = 0; i < 4096; i += 64) { // selectors and flags for those that pop them
        word_at(saved + i) = placed_at;
        word_at(saved + i + 4) = i & 64 ? code_selector(3) : data_selector(3);
    }
    set_cr0(conformance::cr0() | TS); // FPU, MMX: #NM
    set_cr4(PSE | TSD);
    tss.io_map_base = sizeof tss;
    all(false);
    check_equal("6/bare and in the mode, ring 3: many did run", counts.steps > cases / 8, 1);
    check_equal("6/bare and in the mode, ring 3: many did fault", counts.exceptions > cases / 8, 1);
    check_equal("6/bare and in the mode, ring 3: some are restricted", counts.restricted > cases / 1000, 1);
    counts = {};
    all(true);
    check_equal("6/bare and in the mode, V86: many did run", counts.steps > cases / 8, 1);
    check_equal("6/bare and in the mode, V86: many did fault", counts.exceptions > cases / 8, 1);
    check_equal("6/bare and in the mode, V86: some are restricted", counts.restricted > cases / 1000, 1);
}
