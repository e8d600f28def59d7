// Sections 6 and 8 against a guest that executes anything: random bytes in ring 0, ring 3, V86 and paged real mode,
// under random controls, one instruction each (STEP_EXIT). Whatever it is, root comes back whole (judge_exit() looks at
// all of it), and what exits obeys the rules of its kind: a restricted operation has changed nothing, its control is
// set, and its opcode is one that the table names; what the table names does not run.
#include "tests/v32/random.hpp"

using namespace proof;

namespace {

constexpr u32 cases = 1200; // of each world
constexpr u32 data = scratch + 0x10000;

enum World : u32 { ring_0, ring_3, v86_mode, real_mode, worlds };

// --- A case

struct Case {
    ControlArea& area;
    StateRecord start;
    u32 code; // linear
};

u32 random_controls() {
    u32 controls = random() & controls_all & ~(IF_POLICY | WINDOW_EXIT | EXTINT_EXIT);
    if (random_below(4) == 0) controls |= HLT_EXIT | INVLPG_EXIT | RDTSC_EXIT | RDPMC_EXIT | DR_EXIT | DT_LOAD_EXIT;
    const u32 policy = random_below(3);
    return controls | STEP_EXIT | policy | (policy == IF_DIRECT ? u32{EXTINT_EXIT} : 0);
}

void random_state_of(ControlArea& area, World world) {
    StateRecord& guest = area.guest;
    const u32 base = world < v86_mode ? data : 0;
    for (u32& r : guest.gpr) {
        r = random_below(2) ? random() : random_below(0x40);
        if (random_below(3)) r = base + random_below(0xff0);
    }
    guest.gpr[ESP] = base + 0x800;
    guest.eflags |= random() & (status_flags | DF | RF | AC | NT | IOPL3);
    guest.sif = area.guest.sif = random_below(2);
    if ((area.controls & IF_POLICY) == IF_DIRECT) guest.eflags |= random() & IF;
    guest.interruptibility = random_below(4) ? 0 : random_below(8);
    if (random_below(8) == 0) guest.cr0 |= TS;
    if (random_below(8) == 0) guest.cr0 |= AM;
    guest.cr4 = random() & (u32{VME} | PVI | TSD | DE | PCE);
    if (random_below(16) == 0) guest.dr7 |= 0x2000; // GD
}

// Anything, or a prefix at most and an opcode of the table of section 6.
void random_bytes() {
    static constexpr u8 one_byte[] = {0x6c, 0x6d, 0x6e, 0x6f, 0x9d, 0xcc, 0xcd, 0xce, 0xcf, 0xe4, 0xe5,
                                      0xe6, 0xe7, 0xec, 0xed, 0xee, 0xef, 0xf1, 0xf4, 0xfa, 0xfb};
    static constexpr u8 two_bytes[] = {0x00, 0x01, 0x04, 0x06, 0x08, 0x09, 0x20, 0x21, 0x22,
                                       0x23, 0x30, 0x31, 0x32, 0x33, 0x34, 0x35, 0xa2};
    random_code(placed_at);
    if (random_below(3)) return;
    u32 at = placed_at;
    if (random_below(4) == 0) ++at; // what random_code() began with
    if (random_below(2)) {
        byte_at(at) = one_byte[random_below(sizeof one_byte)];
    } else {
        byte_at(at++) = 0x0f;
        byte_at(at++) = two_bytes[random_below(sizeof two_bytes)];
        if (random_below(4) == 0) byte_at(at) = static_cast<u8>(0xc0 | random());
    }
}

Case random_case(World world) {
    const auto code = reinterpret_cast<Code>(placed_at);
    random_bytes();
    for (u32 i = 0; i < 0x1000; i += 4) word_at(data + i) = random();
    ControlArea& area = world == v86_mode    ? fresh_v86(code)
                        : world == real_mode ? fresh_real(code)
                                             : fresh_area(code, world == ring_0 ? 0 : 3);
    // Of root nothing is mapped. Data at `data`, or at the 8086 program's segments; the tables, which it may spoil.
    const u32 here = area.guest.segment[CS].base + area.guest.eip;
    for (u32 linear = 0x100000; linear < scratch; linear += 0x1000) guest_page(linear) = 0;
    for (const void* table : {static_cast<const void*>(guest_gdt), static_cast<const void*>(&guest_tss)})
        for (u32 i = 0; i < 4; ++i) // the TSS with its map takes three pages
            guest_page(address(table) + 0x1000 * i) = ((address(table) + 0x1000 * i) & ~0xfffu) | 3;
    area.controls = random_controls();
    random_state_of(area, world);
    return {area, area.guest, here};
}

// --- What the bytes are, as far as the table of section 6 is concerned

struct Opcode {
    bool locked;
    u32 value; // 0Fxx: 100H + xx
    u32 modrm;
};

bool is_prefix(u32 byte) {
    return byte == 0x66 || byte == 0x67 || byte == 0xf0 || byte == 0xf2 || byte == 0xf3 || byte == 0x26 ||
           byte == 0x2e || byte == 0x36 || byte == 0x3e || byte == 0x64 || byte == 0x65;
}

Opcode opcode_at(u32 at) {
    Opcode opcode{};
    while (is_prefix(byte_at(at))) opcode.locked |= byte_at(at++) == 0xf0;
    opcode.value = byte_at(at++);
    if (opcode.value == 0x0f) opcode.value = 0x100 | byte_at(at++);
    opcode.modrm = byte_at(at);
    return opcode;
}

// The reason by which an instruction may exit, or None. `control`: what must be set for it.
Reason reason_of(const Opcode& o, u32& control) {
    const u32 reg = o.modrm >> 3 & 7;
    control = 0;
    switch (o.value) {
    case 0x120:
    case 0x122: return reg == 0 || reg == 3 || reg == 4 ? Reason::CR_ACCESS : Reason::None;
    case 0x121:
    case 0x123: control = DR_EXIT; return Reason::DR_ACCESS;
    case 0x106: return Reason::CR_ACCESS;
    case 0x108:
    case 0x109: return Reason::CACHE;
    case 0x130: return Reason::MSR_WRITE;
    case 0x132: return Reason::MSR_READ;
    case 0x131: control = RDTSC_EXIT; return Reason::RDTSC;
    case 0x133: control = RDPMC_EXIT; return Reason::RDPMC;
    case 0x1a2: return Reason::CPUID;
    case 0x104: return o.modrm == 0xc0 ? Reason::V32ENTER : o.modrm == 0xc1 ? Reason::V32CALL : Reason::None;
    case 0x100:
        control = reg < 2 ? DT_STORE_EXIT : DT_LOAD_EXIT;
        return reg < 2 ? Reason::DT_STORE : reg < 4 ? Reason::DT_LOAD : Reason::None;
    case 0x101:
        if (reg == 4 || reg == 6) return Reason::CR_ACCESS;
        control = reg < 2 ? DT_STORE_EXIT : reg < 4 ? DT_LOAD_EXIT : INVLPG_EXIT;
        return reg < 2 ? Reason::DT_STORE : reg < 4 ? Reason::DT_LOAD : reg == 7 ? Reason::INVLPG : Reason::None;
    case 0xf4: control = HLT_EXIT; return Reason::HLT;
    case 0xcc:
    case 0xcd:
    case 0xce: return Reason::SOFT_INT;
    default: break;
    }
    const bool port = (o.value >= 0x6c && o.value <= 0x6f) || (o.value & ~0xbu) == 0xe4;
    return port ? Reason::IO : Reason::None;
}

bool is_operation(Reason reason) { return reason <= Reason::V32CALL && reason != Reason::IF_MODIFY; }

// --- The rules

void judge_record(Check& check, const Case& c, const StateRecord& wanted) {
    const auto *got = reinterpret_cast<const u32*>(&c.area.guest), *wants = reinterpret_cast<const u32*>(&wanted);
    for (u32 i = 0; i < sizeof(StateRecord) / 4; ++i) check.equal("guest record", got[i], wants[i]);
}

StateRecord unchanged(const Case& c) {
    StateRecord same = c.start;
    same.eflags &= ~RF;
    if ((c.area.controls & IF_POLICY) == IF_DIRECT) same.sif = (c.start.eflags & IF) != 0;
    return same;
}

void judge_operation(const Case& c, Reason reason) {
    Check check("8/anything: a restricted operation exits by its row, with its control, and has changed nothing");
    judge_record(check, c, unchanged(c));
    check.that("length", c.area.exit.instruction_length >= 1 && c.area.exit.instruction_length <= 15);
    if (reason == Reason::TASK_SWITCH) return; // by far pointers of many forms
    u32 control;
    check.equal("its row", static_cast<u32>(reason_of(opcode_at(c.code), control)), static_cast<u32>(reason));
    check.equal("its control", c.area.controls & control, control);
}

void judge_exception(const Case& c) {
    Check check("8/anything: a fault that exits has changed nothing");
    const u32 vector = c.area.exit.event & event_vector;
    StateRecord same = unchanged(c);
    same.eflags |= RF;
    if (vector == vector::DB && opcode_at(c.code).value == 0xf1) { // INT1: a trap
        same.eflags &= ~RF;
        same.eip = c.area.guest.eip;
    }
    judge_record(check, c, same);
    check.that("vector", vector < 20 && vector != 2 && vector != 3 && vector != 4 && vector != 8 && vector != 9);
}

void judge_attempt(const Case& c) {
    Check check("8/anything: IF_MODIFY: IF and sif unmodified, under TRAP alone");
    check.equal("policy", c.area.controls & IF_POLICY, IF_TRAP);
    check.equal("sif", c.area.guest.sif, c.start.sif);
    check.equal("EFLAGS.IF", c.area.guest.eflags & IF, c.start.eflags & IF);
    check.that("the IF attempted differs", (c.area.exit.qualification & if_wanted) != c.start.sif);
    static constexpr u32 opcodes[] = {0xfa, 0xfb, 0x9d, 0xcf};
    check.equal("opcode", opcode_at(c.code).value, opcodes[c.area.exit.qualification >> 1 & 3]);
}

// Nothing that the table makes exit has run.
void judge_step(const Case& c) {
    Check check("8/anything: what ran is not restricted");
    u32 control;
    const Opcode o = opcode_at(c.code);
    const Reason reason = reason_of(o, control);
    check.that("LOCK is refused", !o.locked || reason == Reason::None);
    const bool nothing_to_do = (reason == Reason::IO && o.value < 0x70) || o.value == 0xce; // count 0; OF=0
    if (reason != Reason::None && !nothing_to_do)
        check.that("its control is clear", control && !(c.area.controls & control));
    const bool sysenter = o.value == 0x134; // the processor's own change
    if ((c.area.controls & IF_POLICY) == IF_TRAP && !sysenter) check.equal("sif", c.area.guest.sif, c.start.sif);
    if ((c.area.controls & IF_POLICY) != IF_DIRECT)
        check.equal("EFLAGS.IF", c.area.guest.eflags & IF, c.start.eflags & IF);
}

// All that root has got back, and the information against itself.
void judge_root(const Case& c) {
    Wanted w{};
    const ExitInformation& exit = c.area.exit;
    w.reason = static_cast<Reason>(exit.exit_reason);
    w.qualification = exit.qualification;
    w.qualification_value = exit.qualification_value;
    w.event = exit.event;
    w.event_error_code = exit.event_error_code;
    w.vectoring_event = exit.vectoring_event;
    w.vectoring_error_code = exit.vectoring_error_code;
    w.length = exit.instruction_length;
    w.bytes_at = c.code;
    w.guest = c.area.guest;
    judge_exit("8/anything: root comes back whole", c.area, w);
}

u32 seen[reason_count];

void one(World world) {
    const Case c = random_case(world);
    run(c.area);
    judge_root(c);
    if (!entered()) return;
    const Reason reason = static_cast<Reason>(c.area.exit.exit_reason);
    if (static_cast<u32>(reason) < reason_count) ++seen[static_cast<u32>(reason)];
    if (is_operation(reason))
        judge_operation(c, reason);
    else if (reason == Reason::EXCEPTION)
        judge_exception(c);
    else if (reason == Reason::IF_MODIFY)
        judge_attempt(c);
    else {
        check_equal("8/anything: no other reason", static_cast<u32>(reason), static_cast<u32>(Reason::STEP));
        judge_step(c);
    }
}

} // namespace

void v32_tests() {
    for (u32 world = 0; world < worlds; ++world)
        for (u32 i = 0; i < cases; ++i) one(static_cast<World>(world));
    for (const Reason reason :
         {Reason::CR_ACCESS, Reason::DR_ACCESS, Reason::DT_LOAD, Reason::DT_STORE, Reason::IO, Reason::MSR_READ,
          Reason::MSR_WRITE, Reason::CPUID, Reason::HLT, Reason::INVLPG, Reason::CACHE, Reason::RDTSC, Reason::RDPMC,
          Reason::IF_MODIFY, Reason::SOFT_INT, Reason::STEP, Reason::EXCEPTION})
        check("8/anything: it meant almost every reason", seen[static_cast<u32>(reason)] != 0);
}
