// Running a guest and judging what came of it: see harness.hpp.
//
// run() keeps everything from before V32ENTER (the area, root's registers, the time) so that the judgement can compare.
#include "tests/v32/harness.hpp"

extern "C" {
void v32_enter_code();
extern const proof::u8 v32_after_enter[];
}

namespace proof {

namespace {

// Root's registers that no handler pushes.
struct RootState {
    u32 cr0, cr2, cr3, cr4, dr6, dr7, ldtr, tr;
    TableRecord gdtr, idtr;
    u64 sysenter_cs, sysenter_esp, sysenter_eip, efer;
};

struct Run {
    ControlArea before;
    RootState root_before, root_after;
    Registers from;
    Event event;
    u64 earliest, latest;
} last;

TableRecord store_table(void (*store)(void*)) {
    struct [[gnu::packed]] {
        u16 limit;
        u32 base;
    } pointer;
    store(&pointer);
    return {pointer.limit, pointer.base};
}

RootState root_state() {
    RootState state{};
    u32 dr6, dr7, ldtr, tr, cr3;
    asm volatile("mov %%dr6, %0" : "=r"(dr6));
    asm volatile("mov %%dr7, %0" : "=r"(dr7));
    asm volatile("mov %%cr3, %0" : "=r"(cr3));
    asm volatile("sldt %0" : "=r"(ldtr));
    asm volatile("str %0" : "=r"(tr));
    state.cr0 = cr0();
    state.cr2 = cr2();
    state.cr3 = cr3;
    state.cr4 = cr4();
    state.dr6 = dr6;
    state.dr7 = dr7;
    state.ldtr = ldtr & 0xffff;
    state.tr = tr & 0xffff;
    state.gdtr = store_table([](void* to) { asm volatile("sgdt (%0)" : : "r"(to) : "memory"); });
    state.idtr = store_table([](void* to) { asm volatile("sidt (%0)" : : "r"(to) : "memory"); });
    state.sysenter_cs = read_msr(0x174);
    state.sysenter_esp = read_msr(0x175);
    state.sysenter_eip = read_msr(0x176);
    state.efer = read_msr(0xc0000080);
    return state;
}

const char* const state_names[] = {"EAX",
                                   "ECX",
                                   "EDX",
                                   "EBX",
                                   "ESP",
                                   "EBP",
                                   "ESI",
                                   "EDI",
                                   "EIP",
                                   "EFLAGS",
                                   "CR0",
                                   "CR2",
                                   "CR3",
                                   "CR4",
                                   "DR6",
                                   "DR7",
                                   "ES selector and attributes",
                                   "ES limit",
                                   "ES base",
                                   "CS selector and attributes",
                                   "CS limit",
                                   "CS base",
                                   "SS selector and attributes",
                                   "SS limit",
                                   "SS base",
                                   "DS selector and attributes",
                                   "DS limit",
                                   "DS base",
                                   "FS selector and attributes",
                                   "FS limit",
                                   "FS base",
                                   "GS selector and attributes",
                                   "GS limit",
                                   "GS base",
                                   "LDTR selector and attributes",
                                   "LDTR limit",
                                   "LDTR base",
                                   "TR selector and attributes",
                                   "TR limit",
                                   "TR base",
                                   "GDTR limit",
                                   "GDTR base",
                                   "IDTR limit",
                                   "IDTR base",
                                   "SYSENTER_CS",
                                   "SYSENTER_ESP",
                                   "SYSENTER_EIP",
                                   "cpl",
                                   "interruptibility",
                                   "activity",
                                   "sif",
                                   "pending_debug",
                                   "EFER low",
                                   "EFER high"};
static_assert(sizeof state_names / sizeof *state_names == sizeof(StateRecord) / 4);

// Member by member; the name of a failure is "whose register".
void compare_state(Check& check, const char* whose, const StateRecord& got, const StateRecord& wanted) {
    const auto* g = reinterpret_cast<const u32*>(&got);
    const auto* w = reinterpret_cast<const u32*>(&wanted);
    for (u32 i = 0; i < sizeof(StateRecord) / 4; ++i) {
        char what[64];
        char* to = what;
        for (const char* c = whose; *c; ++c) *to++ = *c;
        for (const char* c = state_names[i]; *c; ++c) *to++ = *c;
        *to = 0;
        check.equal(what, g[i], w[i]);
    }
}

void compare_root(Check& check, u32 cr2_wanted) {
    const RootState &now = last.root_after, &was = last.root_before;
    check.equal("root CR0", now.cr0, was.cr0);
    check.equal("root CR2", now.cr2, cr2_wanted);
    check.equal("root CR3", now.cr3, was.cr3);
    check.equal("root CR4", now.cr4, was.cr4);
    check.equal("root DR6", now.dr6, was.dr6);
    check.equal("root DR7", now.dr7, was.dr7);
    check.equal("root LDTR", now.ldtr, was.ldtr);
    check.equal("root TR", now.tr, was.tr);
    check.equal("root GDTR limit", now.gdtr.limit, was.gdtr.limit);
    check.equal("root GDTR base", now.gdtr.base, was.gdtr.base);
    check.equal("root IDTR limit", now.idtr.limit, was.idtr.limit);
    check.equal("root IDTR base", now.idtr.base, was.idtr.base);
    check.that("root SYSENTER_CS", now.sysenter_cs == was.sysenter_cs);
    check.that("root SYSENTER_ESP", now.sysenter_esp == was.sysenter_esp);
    check.that("root SYSENTER_EIP", now.sysenter_eip == was.sysenter_eip);
    check.that("root EFER", now.efer == was.efer);
}

void compare_arrival(Check& check) {
    const Registers &now = last.event.now, &from = last.from;
    check.equal("EAX in root's handler", now.eax, from.eax);
    check.equal("EBX in root's handler", now.ebx, from.ebx);
    check.equal("ECX in root's handler", now.ecx, from.ecx);
    check.equal("EDX in root's handler", now.edx, from.edx);
    check.equal("ESI in root's handler", now.esi, from.esi);
    check.equal("EDI in root's handler", now.edi, from.edi);
    check.equal("EBP in root's handler", now.ebp, from.ebp);
    check.equal("ESP in root's handler", now.esp, from.esp - last.event.pushed_bytes);
    check.equal("CS in root's handler", now.cs, code_selector(0));
    check.equal("SS in root's handler", now.ss, from.ss);
    check.equal("DS in root's handler", now.ds, from.ds);
    check.equal("ES in root's handler", now.es, from.es);
    check.equal("FS in root's handler", now.fs, from.fs);
    check.equal("GS in root's handler", now.gs, from.gs);
    check.equal("EFLAGS in root's handler", now.eflags, from.eflags & ~(TF | IF | NT | RF | VM));
    check.equal("root's pushed CS", last.event.cs, from.cs);
}

// The VMM record, from root's registers as enter() and root_state() know them. Root's selectors are flat but those that
// a test sets otherwise; it then judges the caches itself.
StateRecord vmm_record() {
    const Registers& from = last.from;
    const RootState& root = last.root_before;
    StateRecord state{};
    const u32 gpr[8] = {from.eax, from.ecx, from.edx, from.ebx, from.esp, from.ebp, from.esi, from.edi};
    for (u32 i = 0; i < 8; ++i) state.gpr[i] = gpr[i];
    state.eip = after_V32ENTER();
    state.eflags = from.eflags & ~RF;
    state.cr0 = root.cr0;
    state.cr2 = root.cr2;
    state.cr3 = root.cr3;
    state.cr4 = root.cr4;
    state.dr6 = root.dr6;
    state.dr7 = root.dr7;
    const u32 selectors[6] = {from.es, from.cs, from.ss, from.ds, from.fs, from.gs};
    for (u32 i = 0; i < 6; ++i)
        set_segment(state.segment[i], selectors[i], i == CS ? flat_code : flat_data, 0xffffffff, 0);
    set_segment(state.segment[LDTR], 0, unusable, 0, 0);
    set_segment(state.segment[TR], tss_selector, busy_tss, sizeof tss - 1, address(&tss));
    state.gdtr = root.gdtr;
    state.idtr = root.idtr;
    state.sysenter_cs = static_cast<u32>(root.sysenter_cs);
    state.sysenter_esp = static_cast<u32>(root.sysenter_esp);
    state.sysenter_eip = static_cast<u32>(root.sysenter_eip);
    state.efer[0] = static_cast<u32>(root.efer);
    return state;
}

void compare_bytes(Check& check, const char* what, const void* got, const void* wanted, u32 size) {
    const auto *g = static_cast<const u8*>(got), *w = static_cast<const u8*>(wanted);
    for (u32 i = 0; i < size; ++i)
        if (g[i] != w[i]) {
            check.equal(what, g[i], w[i]);
            return; // the first is enough
        }
}

// All but the exit information and the two records.
void compare_rest(Check& check, const ControlArea& now) {
    const ControlArea& was = last.before;
    check.equal("instruction_error", now.instruction_error, was.instruction_error);
    check.equal("inject_event", now.inject_event, 0);
    check.equal("tlb_drop", now.tlb_drop, 0);
    ControlArea header = was;
    header.inject_event = header.tlb_drop = 0;
    header.instruction_error = now.instruction_error;
    compare_bytes(check, "header", &now, &header, 0x80);
    compare_bytes(check, "unnamed bytes at 0C0H", now.unnamed_0C0, was.unnamed_0C0, sizeof was.unnamed_0C0);
    compare_bytes(check, "unnamed bytes at 1D8H", now.unnamed_1D8, was.unnamed_1D8, sizeof was.unnamed_1D8);
    compare_bytes(check, "unnamed bytes at 2D8H", now.unnamed_2D8, was.unnamed_2D8, sizeof was.unnamed_2D8);
}

void compare_information(Check& check, const ExitInformation& exit, const Wanted& wanted) {
    check.equal("exit_reason", exit.exit_reason, static_cast<u32>(wanted.reason));
    check.equal("qualification", exit.qualification, wanted.qualification);
    check.equal("qualification_value", exit.qualification_value, wanted.qualification_value);
    check.equal("event", exit.event, wanted.event);
    check.equal("event_error_code", exit.event_error_code, wanted.event_error_code);
    check.equal("vectoring_event", exit.vectoring_event, wanted.vectoring_event);
    check.equal("vectoring_error_code", exit.vectoring_error_code, wanted.vectoring_error_code);
    check.equal("instruction_length", exit.instruction_length, wanted.length);
    const u32 at = wanted.bytes_at ? wanted.bytes_at : wanted.guest.segment[CS].base + wanted.guest.eip;
    u8 bytes[16] = {};
    for (u32 i = 0; i < wanted.length && i < 16; ++i) bytes[i] = byte_at(at + i);
    compare_bytes(check, "instruction_bytes", exit.instruction_bytes, bytes, 16);
    check.that("exit_count", wide(exit.exit_count) == wide(last.before.exit.exit_count) + 1);
    check.that("exit_tsc", wide(exit.exit_tsc) > last.earliest && wide(exit.exit_tsc) < last.latest);
}

void compare_frame(Check& check, const Wanted& wanted) {
    const StateRecord& guest = wanted.guest;
    const u32 top = guest.segment[SS].base + guest.gpr[ESP], size = wanted.frame_word_size;
    for (u32 i = 0; i * size < wanted.frame_bytes; ++i) {
        static const char* const names[] = {"pushed word 0", "pushed word 1", "pushed word 2", "pushed word 3",
                                            "pushed word 4", "pushed word 5", "pushed word 6", "pushed word 7",
                                            "pushed word 8", "pushed word 9"};
        const u32 got = word_at(top + size * i);
        const u32 mask = size == 2 ? 0xffff : 0xffffffff;
        check.equal(names[i], got & mask, wanted.frame[i] & mask);
    }
}

// The vector and error code of docs/v32.md section 8's table.
void compare_vector(Check& check, const Wanted& wanted) {
    u32 vector = V32_VECTOR_VT, error_code = static_cast<u32>(wanted.reason);
    if (wanted.reason == Reason::EXCEPTION) {
        vector = wanted.event & event_vector;
        error_code = wanted.event & event_has_error_code ? wanted.event_error_code : no_error_code;
    } else if (wanted.reason == Reason::EXTINT || wanted.reason == Reason::NMI) {
        vector = wanted.event & event_vector;
        error_code = no_error_code;
    }
    check.equal("root's vector", last.event.vector, vector);
    check.equal("root's error code", last.event.error_code, error_code);
    check.equal("root's pushed EIP", last.event.eip, after_V32ENTER());
    check.equal("root's pushed EFLAGS", last.event.eflags, last.from.eflags & ~RF);
}

} // namespace

Check::~Check() {
    if (right) check_equal(name, 1, 1);
}

void Check::equal(const char* what, u32 got, u32 wanted) {
    if (got == wanted) return;
    right = false;
    char text[160];
    char *to = text, *const end = text + sizeof text - 1;
    for (const char* c = name; *c && to < end; ++c) *to++ = *c;
    for (const char* c = ": "; *c && to < end; ++c) *to++ = *c;
    for (const char* c = what; *c && to < end; ++c) *to++ = *c;
    *to = 0;
    check_equal(text, got, wanted);
}

Registers vmm_registers() {
    Registers r = in_ring(0, v32_enter_code);
    r.eax = 0xa0a0a0a0;
    r.ebx = 0xb1b1b1b1;
    r.ecx = 0xc2c2c2c2;
    r.edx = 0xd3d3d3d3;
    r.esi = 0xe4e4e4e4;
    r.edi = 0xf5f5f5f5;
    r.ebp = r.esp;
    return r;
}

u32 at_V32ENTER() { return address(v32_enter_code); }
u32 after_V32ENTER() { return address(v32_after_enter); }

Event run(ControlArea& area, const Registers& vmm) {
    last.before = area;
    last.from = vmm;
    last.root_before = root_state();
    last.earliest = time_stamp();
    last.event = enter(vmm);
    last.latest = time_stamp();
    last.root_after = root_state();
    return last.event;
}

Event run(ControlArea& area) { return run(area, vmm_registers()); }
bool entered() { return last.event.eip == after_V32ENTER(); }

Wanted wanted(const ControlArea& area, Reason reason, u32 length) {
    Wanted w{};
    w.reason = reason;
    w.length = length;
    w.guest = area.guest;
    if ((area.controls & IF_POLICY) == IF_DIRECT) w.guest.sif = (area.guest.eflags & IF) != 0;
    return w;
}

Wanted wanted_fault(const ControlArea& area, u32 vector, u32 length, u32 error_code) {
    Wanted w = wanted(area, Reason::EXCEPTION, length);
    w.event = exception_event(vector);
    w.event_error_code = error_code == no_error_code ? 0 : error_code;
    w.guest.eflags |= RF;
    return w;
}

namespace {

void push(Wanted& w, u32 value) {
    for (u32 i = 9; i > 0; --i) w.frame[i] = w.frame[i - 1];
    w.frame[0] = value;
    w.frame_bytes += w.frame_word_size;
    w.guest.gpr[ESP] -= w.frame_word_size;
}

// The processor's own change of the visible IF, and of the other flags that a gate clears.
void enter_handler(Wanted& w, bool direct, u32 cleared) {
    w.guest.sif = 0;
    w.guest.eflags &= ~(cleared | (direct ? static_cast<u32>(IF) : 0));
}

void go_to_ring_0(Wanted& w, const StateRecord& from) {
    set_segment(w.guest.segment[SS], guest_tss.ss0, flat_data, 0xffffffff, 0);
    w.guest.gpr[ESP] = guest_tss.esp0;
    if (from.eflags & VM)
        for (const SegmentRegister s : {GS, FS, DS, ES}) {
            push(w, from.segment[s].selector);
            set_segment(w.guest.segment[s], 0, unusable, 0, 0);
        }
    push(w, from.segment[SS].selector);
    push(w, from.gpr[ESP]);
    w.guest.cpl = 0;
}

} // namespace

Wanted delivered(const ControlArea& area, const Delivery& delivery) {
    const StateRecord& from = area.guest;
    const bool direct = (area.controls & IF_POLICY) == IF_DIRECT, real = !(from.cr0 & PE);
    Wanted w = wanted(area, Reason::V32CALL, 3);
    const u32 flags = (from.eflags & ~IF) | (w.guest.sif ? static_cast<u32>(IF) : 0) | delivery.more_flags;
    w.frame_word_size = real ? 2 : 4;
    if (!real && ((from.eflags & VM) || from.cpl)) go_to_ring_0(w, from);
    push(w, flags);
    push(w, from.segment[CS].selector);
    push(w, from.eip + delivery.eip_advance);
    if (delivery.error_code != no_error_code && !real) push(w, delivery.error_code);
    enter_handler(w, direct, real ? TF | AC | RF : TF | NT | RF | VM);
    w.guest.interruptibility = delivery.blocked;
    if (real) {
        w.guest.segment[CS].selector = handler_segment;
        w.guest.segment[CS].base = handler_segment * 16;
        w.guest.eip = 4 * delivery.vector;
    } else {
        set_segment(w.guest.segment[CS], code_selector(0), flat_code, 0xffffffff, 0);
        w.guest.eip = guest_handler(delivery.vector);
    }
    return w;
}

void judge_exit(const char* name, const ControlArea& area, const Wanted& wanted) {
    Check check(name);
    if (!entered()) {
        check.equal("entry failed, root's vector", last.event.vector, V32_VECTOR_VT);
        check.equal("entry failed, instruction_error", area.instruction_error, 0);
        return;
    }
    compare_vector(check, wanted);
    compare_information(check, area.exit, wanted);
    compare_state(check, "guest ", area.guest, wanted.guest);
    compare_frame(check, wanted);
    compare_arrival(check);
    const bool page_fault = wanted.reason == Reason::EXCEPTION && (wanted.event & event_vector) == vector::PF;
    compare_root(check, page_fault ? wanted.qualification_value : last.root_before.cr2);
    compare_state(check, "VMM ", area.vmm, vmm_record());
    compare_rest(check, area);
}

Event expect_exit(const char* name, ControlArea& area, const Wanted& wanted, const Registers& vmm) {
    const Event event = run(area, vmm);
    judge_exit(name, area, wanted);
    return event;
}

Event expect_exit(const char* name, ControlArea& area, const Wanted& wanted) {
    return expect_exit(name, area, wanted, vmm_registers());
}

void expect_error(const char* name, ControlArea& area, u32 error) {
    const Event event = run(area);
    Check check(name);
    check.equal("root's vector", event.vector, vector::GP);
    check.equal("root's error code", event.error_code, 0);
    check.equal("root's pushed EIP", event.eip, at_V32ENTER());
    check.equal("root's pushed EFLAGS", event.eflags, last.from.eflags | RF);
    check.equal("instruction_error", area.instruction_error, error);
    ControlArea& wanted = last.before;
    wanted.instruction_error = area.instruction_error;
    compare_bytes(check, "another byte of the area", &area, &wanted, sizeof area);
    compare_arrival(check);
    compare_root(check, last.root_before.cr2);
}

void expect_entry(const char* name, ControlArea& area) {
    run(area);
    Check check(name);
    check.equal("root's vector", last.event.vector, V32_VECTOR_VT);
    check.equal("root's error code", last.event.error_code, static_cast<u32>(Reason::V32CALL));
    if (!entered()) check.equal("instruction_error", area.instruction_error, 0);
}

} // namespace proof
