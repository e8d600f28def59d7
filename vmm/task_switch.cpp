// Three parts, as on a processor: proofs that nothing up to the commit can fail; the exchange in memory, and the
// commit, with which the record is the new task's; then the new task's own loads, whose faults find their handler in
// its context.
//
//   source       busy: new   busy: old   NT: new   NT in the old image   back link of the new TSS
//   CALL, gate   set         stays       set       as it is              the old task
//   JMP          set         cleared     its own   as it is              -
//   IRET         stays set   cleared     its own   cleared               -
//                                                            (SDM vol. 3A, table 7-2)
#include "vmm/task_switch.hpp"

#include "vmm/task_segments.hpp"

namespace ringmaster {

namespace {

enum TaskFlags : u32 {
    flag_fixed = 1u << 1,
    flag_IF = 1u << 9,
    flag_NT = 1u << 14,
    flag_RF = 1u << 16,
    flag_VM = 1u << 17,
    flags_all = 0x003F'7FD7,
};

constexpr u32 CR0_TS = 1u << 3;
constexpr u32 DR7_local_enables = 0x155; // L0 to L3, LE
constexpr u32 DR7_type_bits = 3;
constexpr u32 DR6_BD = 1u << 13;
constexpr u32 DR6_BT = 1u << 15;
constexpr u32 blocked_by_NMI = 4;
constexpr u32 type_busy = 2;
constexpr u32 type_byte = 5;         // of a descriptor
constexpr u16 code_stand_in = 0xC9B; // a present, flat, 32-bit code segment
constexpr unsigned DPL_shift = 5;

// The task-state segments (SDM vol. 3A, figures 7-2 and 7-10); the stacks of inner levels are no part of a switch.
struct Tss32 {
    u32 link, stacks[6], cr3;
    u32 eip, eflags, gpr[8], selector[6]; // what a switch saves
    u32 ldt;
    u16 debug_trap, io_map;
};
static_assert(sizeof(Tss32) == 104);
struct Tss16 {
    u16 link, stacks[6];
    u16 ip, flags, gpr[8], selector[4];
    u16 ldt;
};
static_assert(sizeof(Tss16) == 44);

constexpr u32 saved_at_32 = offsetof(Tss32, eip), saved_end_32 = offsetof(Tss32, ldt);
constexpr u32 saved_at_16 = offsetof(Tss16, ip), saved_end_16 = offsetof(Tss16, ldt);

// What both have in common.
struct Image {
    u32 cr3 = 0, eip = 0, eflags = 0;
    u32 gpr[8] = {};
    u16 selector[6] = {};
    u16 ldt = 0;
    bool traps = false;
};

enum class Format : u8 { Bits16, Bits32 };
constexpr Format format_of(unsigned type) { return (type & 8) != 0 ? Format::Bits32 : Format::Bits16; }

class TaskSwitch {
  public:
    TaskSwitch(v32::StateRecord& guest, const v32::ExitInformation& exit, v32::IfPolicy policy,
               const TaskMemory& memory)
        : guest_(guest), exit_(exit), policy_(policy), segments_(guest, memory), old_(guest.segment[in_TR]) {}

    Step run() {
        if (find_new() == Step::Faulted || prove() == Step::Faulted || exchange() == Step::Faulted)
            return Step::Faulted;
        commit();
        if (load_address_space() == Step::Faulted || load_segments() == Step::Faulted) return Step::Faulted;
        return push_error_code() == Step::Faulted ? Step::Faulted : check_entry_point();
    }
    [[nodiscard]] const TaskSegments& fault() const { return segments_; }
    [[nodiscard]] bool traps() const { return new_.traps; }
    [[nodiscard]] bool by_gate() const { return source() == v32::task_gate; }
    [[nodiscard]] bool by_IRET() const { return source() == v32::task_IRET; }

  private:
    [[nodiscard]] u32 source() const { return exit_.qualification & v32::task_source; }
    [[nodiscard]] bool nests() const { return source() == v32::task_CALL || by_gate(); }
    [[nodiscard]] u32 vectoring_type() const {
        return (exit_.vectoring_event & v32::event_type) >> v32::event_type_shift;
    }
    [[nodiscard]] Format old_format() const { return format_of(old_.attributes & 0xFu); }

    // ---- Proofs

    Step find_new() {
        const u16 selector = static_cast<u16>(exit_.qualification & v32::task_selector);
        const TaskFault wrong = by_IRET() ? TaskFault::TS : TaskFault::GP;
        const u32 code = selector & 0xFFFCu;
        if ((selector & 4) != 0) return segments_.fail(wrong, code);
        if (segments_.find(selector, wrong, tss_) == Step::Faulted) return Step::Faulted;
        const unsigned type = tss_.type() & ~8u; // of both formats
        if (!tss_.is_system() || type != (by_IRET() ? 3u : 1u)) return segments_.fail(wrong, code);
        if (!tss_.is_present()) return segments_.fail(TaskFault::NP, code);
        const u32 needed = format_of(tss_.type()) == Format::Bits32 ? sizeof(Tss32) : sizeof(Tss16);
        return tss_.limit() < needed - 1 ? segments_.fail(TaskFault::TS, code) : Step::Done;
    }

    Step prove() {
        const bool is_32 = old_format() == Format::Bits32;
        const u32 at = is_32 ? saved_at_32 : saved_at_16;
        const u32 end = is_32 ? saved_end_32 : saved_end_16;
        if ((old_.attributes & v32::attributes_unusable) != 0 || old_.limit < end - 1)
            return segments_.fail(TaskFault::TS, old_.selector & 0xFFFCu);
        if (read_new() == Step::Faulted || segments_.probe(old_.base + at, end - at) == Step::Faulted)
            return Step::Faulted;
        if (nests() && segments_.probe(tss_.base(), 2) == Step::Faulted) return Step::Faulted;
        if (!nests() && segments_.probe(old_descriptor() + type_byte, 1) == Step::Faulted) return Step::Faulted;
        return by_IRET() ? Step::Done : segments_.probe(tss_.linear + type_byte, 1);
    }

    [[nodiscard]] u32 old_descriptor() const { return guest_.gdtr.base + (old_.selector & 0xFFF8u); }

    // ---- Memory. The new image is read last: both tasks may share a segment.

    Step exchange() {
        if (!nests() && set_busy(old_descriptor(), 0) == Step::Faulted) return Step::Faulted;
        if (save_old() == Step::Faulted) return Step::Faulted;
        if (nests() && segments_.write(tss_.base(), old_.selector) == Step::Faulted) return Step::Faulted;
        if (read_new() == Step::Faulted) return Step::Faulted;
        return by_IRET() ? Step::Done : set_busy(tss_.linear, type_busy);
    }

    Step set_busy(u32 descriptor, u32 busy) {
        u8 type = 0;
        if (segments_.read(descriptor + type_byte, type) == Step::Faulted) return Step::Faulted;
        return segments_.write(descriptor + type_byte, static_cast<u8>((type & ~type_busy) | busy));
    }

    Step save_old() { return old_format() == Format::Bits32 ? save_32() : save_16(); }

    Step save_32() {
        Tss32 tss;
        if (segments_.read(old_.base, &tss, saved_end_32) == Step::Faulted) return Step::Faulted;
        tss.eip = resume_eip();
        tss.eflags = resume_eflags();
        for (unsigned n = 0; n < 8; ++n) tss.gpr[n] = guest_.gpr[n];
        for (unsigned n = 0; n < 6; ++n) tss.selector[n] = (tss.selector[n] & 0xFFFF'0000) | guest_.segment[n].selector;
        return segments_.write(old_.base + saved_at_32, &tss.eip, saved_end_32 - saved_at_32);
    }

    Step save_16() {
        Tss16 tss;
        tss.ip = static_cast<u16>(resume_eip());
        tss.flags = static_cast<u16>(resume_eflags());
        for (unsigned n = 0; n < 8; ++n) tss.gpr[n] = static_cast<u16>(guest_.gpr[n]);
        for (unsigned n = 0; n < 4; ++n) tss.selector[n] = guest_.segment[n].selector;
        return segments_.write(old_.base + saved_at_16, &tss.ip, saved_end_16 - saved_at_16);
    }

    [[nodiscard]] u32 resume_eip() const {
        if (!by_gate()) return guest_.eip + exit_.instruction_length;
        const bool by_INT = vectoring_type() == v32::event_INT || vectoring_type() == v32::event_INT3_INTO;
        const u32 length = (exit_.vectoring_event & v32::event_length) >> v32::event_length_shift;
        return guest_.eip + (by_INT ? length : 0);
    }

    [[nodiscard]] u32 resume_eflags() const {
        u32 eflags = (guest_.eflags & ~u32{flag_IF}) | (guest_.sif != 0 ? u32{flag_IF} : 0);
        if (by_IRET()) eflags &= ~u32{flag_NT};
        if (by_gate() && is_fault()) eflags |= flag_RF;
        return eflags;
    }

    // The event restarts its instruction. #DB does for code breakpoints and for DR7.GD (SDM vol. 3A, table 17-2).
    [[nodiscard]] bool is_fault() const {
        if (vectoring_type() != v32::event_exception) return false;
        if ((exit_.vectoring_event & v32::event_vector) != static_cast<u32>(TaskFault::DB)) return true;
        if ((guest_.dr6 & DR6_BD) != 0) return true;
        for (unsigned n = 0; n < 4; ++n)
            if ((guest_.dr6 >> n & 1) != 0 && (guest_.dr7 >> (16 + 4 * n) & DR7_type_bits) == 0) return true;
        return false;
    }

    Step read_new() { return format_of(tss_.type()) == Format::Bits32 ? read_32() : read_16(); }

    Step read_32() {
        Tss32 tss;
        if (segments_.read(tss_.base(), &tss, sizeof tss) == Step::Faulted) return Step::Faulted;
        new_ = {.cr3 = tss.cr3, .eip = tss.eip, .eflags = tss.eflags, .ldt = static_cast<u16>(tss.ldt)};
        for (unsigned n = 0; n < 8; ++n) new_.gpr[n] = tss.gpr[n];
        for (unsigned n = 0; n < 6; ++n) new_.selector[n] = static_cast<u16>(tss.selector[n]);
        new_.traps = (tss.debug_trap & 1) != 0;
        return Step::Done;
    }

    Step read_16() {
        Tss16 tss;
        if (segments_.read(tss_.base(), &tss, sizeof tss) == Step::Faulted) return Step::Faulted;
        new_ = {.eip = tss.ip, .eflags = tss.flags, .ldt = tss.ldt};
        for (unsigned n = 0; n < 8; ++n) new_.gpr[n] = 0xFFFF'0000 | tss.gpr[n];
        for (unsigned n = 0; n < 4; ++n) new_.selector[n] = tss.selector[n];
        return Step::Done;
    }

    // ---- The commit

    void commit() {
        v32::SegmentRecord& tr = guest_.segment[in_TR];
        tr = tss_.record();
        tr.attributes |= type_busy;
        guest_.cr0 |= CR0_TS;
        guest_.dr7 &= ~DR7_local_enables;
        guest_.interruptibility &= blocked_by_NMI;
        if (by_gate() && vectoring_type() == v32::event_NMI) guest_.interruptibility |= blocked_by_NMI;
        guest_.activity = 0;
        guest_.pending_debug = 0;
        guest_.eip = new_.eip;
        for (unsigned n = 0; n < 8; ++n) guest_.gpr[n] = new_.gpr[n];
        commit_eflags(new_.eflags | (nests() ? u32{flag_NT} : 0));
        commit_segments();
    }

    void commit_eflags(u32 wanted) {
        const u32 physical = policy_ == v32::IF_DIRECT ? wanted & flag_IF : guest_.eflags & flag_IF;
        guest_.eflags = (wanted & flags_all & ~u32{flag_IF}) | flag_fixed | physical;
        guest_.sif = (wanted & flag_IF) != 0 ? 1 : 0;
    }

    // Selectors, and nothing behind them yet. CPL is 3 until SS is known to be good: the handler of a fault before that
    // takes its stack from the new TSS. CS must be usable in a record; a fault's delivery reads its selector alone.
    void commit_segments() {
        guest_.cpl = 3;
        segments_.load_null(in_LDTR, new_.ldt);
        for (unsigned n = 0; n < 6; ++n)
            if (is_8086())
                segments_.load_8086(n, new_.selector[n]);
            else
                segments_.load_null(n, new_.selector[n]);
        if (!is_8086()) {
            const u16 attributes = static_cast<u16>(code_stand_in | 3u << DPL_shift);
            guest_.segment[in_CS] = {new_.selector[in_CS], attributes, ~u32{0}, 0};
        }
    }

    [[nodiscard]] bool is_8086() const { return (guest_.eflags & flag_VM) != 0; }

    // ---- The new task's own

    Step load_address_space() {
        const bool changes =
            format_of(tss_.type()) == Format::Bits32 && (guest_.cr0 & CR0_PG) != 0 && new_.cr3 != guest_.cr3;
        if (changes && segments_.load_CR3(new_.cr3) == Step::Faulted) return Step::Faulted;
        return segments_.load_LDTR(new_.ldt);
    }

    Step load_segments() {
        if (is_8086()) return Step::Done;
        const unsigned level = new_.selector[in_CS] & 3u;
        if (segments_.load_SS(new_.selector[in_SS], level) == Step::Faulted) return Step::Faulted;
        guest_.cpl = level;
        constexpr unsigned data[] = {in_DS, in_ES, in_FS, in_GS};
        for (const unsigned index : data)
            if (segments_.load_data(index, new_.selector[index]) == Step::Faulted) return Step::Faulted;
        return segments_.load_CS(new_.selector[in_CS]);
    }

    Step push_error_code() {
        if (!by_gate() || (exit_.vectoring_event & v32::event_has_error_code) == 0) return Step::Done;
        const u32 size = format_of(tss_.type()) == Format::Bits32 ? 4 : 2;
        const v32::SegmentRecord& stack = guest_.segment[in_SS];
        const u32 mask = (stack.attributes & 0x400) != 0 ? ~u32{0} : 0xFFFF;
        u32& esp = guest_.gpr[4];
        const u32 offset = (esp - size) & mask;
        if (!holds(stack, offset, size, mask)) return segments_.fail(TaskFault::SS, 0);
        if (segments_.push(stack.base + offset, &exit_.vectoring_error_code, size) == Step::Faulted)
            return Step::Faulted;
        esp = (esp & ~mask) | offset;
        return Step::Done;
    }

    // An expand-down segment holds what is above its limit.
    static bool holds(const v32::SegmentRecord& stack, u32 offset, u32 size, u32 top) {
        const u32 last = offset + (size - 1);
        if (last < offset) return false;
        const bool expands_down = (stack.attributes & 0x4) != 0;
        return expands_down ? offset > stack.limit && last <= top : last <= stack.limit;
    }

    Step check_entry_point() {
        return guest_.eip <= guest_.segment[in_CS].limit ? Step::Done : segments_.fail(TaskFault::GP, 0);
    }

    v32::StateRecord& guest_;
    const v32::ExitInformation& exit_;
    v32::IfPolicy policy_;
    TaskSegments segments_;
    v32::SegmentRecord old_;
    TableDescriptor tss_;
    Image new_;
};

u32 exception_event(TaskFault vector) {
    const u32 code = vector == TaskFault::DB ? 0 : u32{v32::event_has_error_code};
    return v32::event_valid | code | u32{v32::event_exception} << v32::event_type_shift | static_cast<u32>(vector);
}

enum class FaultClass : u8 { Benign, Contributory, Page, Double }; // SDM vol. 3A, table 6-4

FaultClass class_of(u32 event) {
    if ((event & v32::event_valid) == 0) return FaultClass::Benign;
    if ((event & v32::event_type) >> v32::event_type_shift != v32::event_exception) return FaultClass::Benign;
    switch (event & v32::event_vector) {
    case 0:
    case 10:
    case 11:
    case 12:
    case 13: return FaultClass::Contributory;
    case 14: return FaultClass::Page;
    case 8: return FaultClass::Double;
    default: return FaultClass::Benign;
    }
}

// SDM vol. 3A, table 6-5.
TaskVerdict fault_verdict(const TaskSwitch& task, v32::StateRecord& guest, const v32::ExitInformation& exit) {
    const TaskSegments& fault = task.fault();
    const u32 event = exception_event(fault.vector);
    const u32 first = task.by_gate() ? exit.vectoring_event : 0;
    const u32 type = (first & v32::event_type) >> v32::event_type_shift;
    if (fault.vector == TaskFault::PF) guest.cr2 = fault.fault_linear;
    if (class_of(first) == FaultClass::Double) return {.answer = TaskVerdict::Answer::Shutdown};
    guest.eflags |= flag_RF;
    guest.activity = 0;
    if (task.by_IRET()) guest.interruptibility &= ~blocked_by_NMI;
    const bool both_page = class_of(first) == FaultClass::Page && class_of(event) == FaultClass::Page;
    if (class_of(first) != FaultClass::Benign && (class_of(event) == FaultClass::Contributory || both_page))
        return {TaskVerdict::Answer::Inject, exception_event(TaskFault::DF), 0};
    // EXT: an event that is not the program's own doing (SDM vol. 3A, 6.13).
    const bool external = task.by_gate() && type != v32::event_INT && type != v32::event_INT3_INTO;
    const u32 EXT = external && fault.vector != TaskFault::PF ? 1 : 0;
    return {TaskVerdict::Answer::Inject, event, fault.error_code | EXT};
}

} // namespace

TaskVerdict switch_task(v32::StateRecord& guest, const v32::ExitInformation& exit, v32::IfPolicy policy,
                        const TaskMemory& memory) {
    TaskSwitch task(guest, exit, policy, memory);
    if (task.run() == Step::Faulted) return fault_verdict(task, guest, exit);
    if (task.by_IRET()) guest.interruptibility &= ~blocked_by_NMI;
    if (!task.traps()) return {};
    guest.dr6 |= DR6_BT;
    return {TaskVerdict::Answer::Inject, exception_event(TaskFault::DB), 0};
}

} // namespace ringmaster
