// A task switch in three parts: proofs that no step up to the commit point can fault; the commit, which saves the old
// task and loads the new one with all its segments empty; and the loading of the segments, whose faults are the new
// task's own (SDM vol. 3A, 7.3).
//
//   field              jump      call, gate         iret       (SDM vol. 3A, table 7-2)
//   busy, new task     set       set                stays
//   busy, old task     cleared   stays              cleared
//   NT, new task       by TSS    set                by TSS
//   NT, old task       stays     stays              cleared
//   link, new task     stays     old TSS selector   stays
#include "cpu/task_switch.hpp"

#include "cpu/access.hpp"
#include "cpu/code_transfer.hpp"
#include "cpu/control.hpp"
#include "cpu/exceptions.hpp"
#include "cpu/task_state.hpp"
#include "cpu/v32/exit.hpp"

namespace truering {

namespace {

constexpr u8 type_busy = 2; // the bit of a TSS descriptor's type
constexpr u32 type_byte = 5;

class TaskSwitch {
  public:
    TaskSwitch(Cpu& cpu, TaskSwitchSource source, const Resume& resume)
        : cpu_(cpu), source_(source), resume_(resume), old_tr_(cpu.segment[seg_TR]),
          old_format_(tss_format(old_tr_.attributes & attr_type)) {}

    Outcome run(u16 selector, const u32* error_code) {
        if (const Outcome o = select_tss(selector); failed(o)) return o;
        if (cpu_.in_v32()) {
            const u32 source = static_cast<u32>(source_) << v32::task_source_shift;
            return v32::request_exit(cpu_, v32::Reason::TASK_SWITCH, selector | source);
        }
        if (const Outcome o = prove(); failed(o)) return o;
        if (const Outcome o = exchange(); failed(o)) return o;
        adopt();
        if (const Outcome o = load_cr3(); failed(o)) return o;
        if (const Outcome o = load_ldtr(); failed(o)) return o;
        if (const Outcome o = load_segments(); failed(o)) return o;
        return begin(error_code);
    }

  private:
    [[nodiscard]] bool nests() const { return source_ == TaskSwitchSource::Call || source_ == TaskSwitchSource::Gate; }
    [[nodiscard]] bool returns() const { return source_ == TaskSwitchSource::Iret; }

    Outcome select_tss(u16 selector) {
        constexpr u16 selector_TI = 4;
        const Vector vector = returns() ? Vector::TS : Vector::GP;
        if ((selector & selector_TI) != 0 || is_null_selector(selector)) return raise_selector(cpu_, vector, selector);
        if (const Outcome o = select_descriptor(cpu_, selector, vector, tss_); failed(o)) return o;
        const Descriptor& d = tss_.descriptor;
        const unsigned type_32 = returns() ? type_TSS32_busy : type_TSS32_available;
        const unsigned type_16 = returns() ? type_TSS16_busy : type_TSS16_available;
        if (d.S() || (d.type() != type_32 && d.type() != type_16)) return raise_selector(cpu_, vector, selector);
        if (!d.present()) return raise_selector(cpu_, Vector::NP, selector);
        new_format_ = tss_format(d.type());
        if (d.limit() < incoming_limit(new_format_)) return raise_selector(cpu_, Vector::TS, selector);
        return Outcome::Done;
    }

    [[nodiscard]] u32 old_descriptor() const { return cpu_.gdtr.base + (old_tr_.selector & 0xFFF8u); }

    Outcome prove() {
        if (!old_tr_.usable() || old_tr_.limit < outgoing_limit(old_format_))
            return raise_selector(cpu_, Vector::TS, old_tr_.selector);
        const u32 new_base = tss_.descriptor.base();
        if (const Outcome o = read_task_state(cpu_, new_base, new_format_, state_); failed(o)) return o;
        if (const Outcome o = check_task_state_writable(cpu_, old_tr_.base, old_format_); failed(o)) return o;
        if (nests())
            if (const Outcome o = check_writable(new_base, 2); failed(o)) return o;
        if (!nests())
            if (const Outcome o = check_writable(old_descriptor() + type_byte, 1); failed(o)) return o;
        return returns() ? Outcome::Done : check_writable(tss_.linear + type_byte, 1);
    }

    Outcome check_writable(u32 linear, unsigned size) {
        return access_detail::slow_check_write(cpu_, linear, size, false);
    }

    // All that happens in memory. The incoming state is read last: the two segments may be one.
    Outcome exchange() {
        if (!nests())
            if (const Outcome o = set_busy(old_descriptor(), false); failed(o)) return o;
        if (const Outcome o = write_task_state(cpu_, old_tr_.base, old_format_, outgoing()); failed(o)) return o;
        const u32 new_base = tss_.descriptor.base();
        if (nests())
            if (const Outcome o = write_system(cpu_, new_base, old_tr_.selector); failed(o)) return o;
        if (const Outcome o = read_task_state(cpu_, new_base, new_format_, state_); failed(o)) return o;
        return returns() ? Outcome::Done : set_busy(tss_.linear, true);
    }

    Outcome set_busy(u32 descriptor, bool busy) {
        u8 type = 0;
        if (const Outcome o = read_system(cpu_, descriptor + type_byte, type); failed(o)) return o;
        type = static_cast<u8>(busy ? type | type_busy : type & ~type_busy);
        return write_system(cpu_, descriptor + type_byte, type);
    }

    [[nodiscard]] TaskState outgoing() const {
        TaskState old;
        old.eip = resume_.eip;
        old.eflags = returns() ? resume_.eflags & ~u32{EFLAGS_NT} : resume_.eflags;
        for (unsigned n = 0; n < 8; ++n) old.gpr[n] = cpu_.gpr[n];
        for (unsigned n = 0; n < 6; ++n) old.selector[n] = cpu_.segment[n].selector;
        return old;
    }

    // The commit point. CPL is 3 until SS is known to be good: a fault before that finds its handler's stack in the
    // new task's TSS.
    void adopt() {
        constexpr u32 local_enables = 0x155; // L0..L3, LE
        Segment tr = tss_.segment();
        tr.attributes |= type_busy;
        cpu_.set_segment(seg_TR, tr);
        cpu_.cr0 |= CR0_TS;
        cpu_.dr7 &= ~local_enables;
        cpu_.interruptibility &= blocked_by_NMI;
        cpu_.pending_debug = 0;
        cpu_.event_delivered = true; // a step that the old task's TF wanted is not the new task's
        cpu_.eip = state_.eip;
        for (unsigned n = 0; n < 8; ++n) cpu_.gpr[n] = state_.gpr[n];
        if (nests()) state_.eflags |= EFLAGS_NT;
        cpu_.set_eflags(state_.eflags | EFLAGS_fixed, EFLAGS_all);
        for (unsigned n = 0; n < 6; ++n)
            cpu_.set_segment(static_cast<SegmentIndex>(n), null_segment(state_.selector[n]));
        cpu_.set_segment(seg_LDTR, null_segment(state_.ldtr));
        cpu_.set_cpl(3);
        cpu_.update_attention();
        cpu_.update_view();
    }

    Outcome load_cr3() {
        if (new_format_ == TssFormat::Bits16 || !cpu_.paging() || state_.cr3 == cpu_.cr3) return Outcome::Done;
        return write_cr3(cpu_, state_.cr3);
    }

    Outcome load_ldtr() {
        constexpr u16 selector_TI = 4;
        if (is_null_selector(state_.ldtr)) return Outcome::Done;
        if ((state_.ldtr & selector_TI) != 0) return raise_selector(cpu_, Vector::TS, state_.ldtr);
        SelectedDescriptor ldt;
        if (const Outcome o = select_descriptor(cpu_, state_.ldtr, Vector::TS, ldt); failed(o)) return o;
        const Descriptor& d = ldt.descriptor;
        if (d.S() || d.type() != type_LDT || !d.present()) return raise_selector(cpu_, Vector::TS, state_.ldtr);
        cpu_.set_segment(seg_LDTR, ldt.segment());
        return Outcome::Done;
    }

    Outcome load_segments() {
        if (cpu_.v86_mode()) {
            for (unsigned n = 0; n < 6; ++n) load_segment_real(cpu_, static_cast<SegmentIndex>(n), state_.selector[n]);
            return Outcome::Done;
        }
        if (const Outcome o = load_ss(); failed(o)) return o;
        for (const SegmentIndex index : {seg_DS, seg_ES, seg_FS, seg_GS})
            if (const Outcome o = load_data(index); failed(o)) return o;
        return load_cs();
    }

    // CPL is the RPL of the new CS.
    Outcome load_ss() {
        const unsigned level = state_.selector[seg_CS] & 3u;
        SelectedDescriptor ss;
        if (const Outcome o = select_stack_segment(cpu_, state_.selector[seg_SS], level, Vector::TS, ss); failed(o))
            return o;
        if (const Outcome o = set_accessed(cpu_, ss); failed(o)) return o;
        cpu_.set_segment(seg_SS, ss.segment());
        cpu_.set_cpl(static_cast<u8>(level));
        return Outcome::Done;
    }

    Outcome load_data(SegmentIndex index) {
        if (is_null_selector(state_.selector[index])) return Outcome::Done;
        SelectedDescriptor data;
        if (const Outcome o = select_data_segment(cpu_, state_.selector[index], Vector::TS, data); failed(o)) return o;
        if (const Outcome o = set_accessed(cpu_, data); failed(o)) return o;
        cpu_.set_segment(index, data.segment());
        return Outcome::Done;
    }

    Outcome load_cs() {
        SelectedDescriptor code;
        if (const Outcome o = select_code_segment(cpu_, state_.selector[seg_CS], Vector::TS, code); failed(o)) return o;
        const Descriptor& d = code.descriptor;
        if (is_conforming(d) ? d.dpl() > code.rpl() : d.dpl() != code.rpl())
            return raise_selector(cpu_, Vector::TS, code.selector);
        if (!d.present()) return raise_selector(cpu_, Vector::NP, code.selector);
        if (const Outcome o = set_accessed(cpu_, code); failed(o)) return o;
        cpu_.set_segment(seg_CS, code.segment());
        return Outcome::Done;
    }

    Outcome begin(const u32* error_code) {
        if (error_code != nullptr) {
            const Outcome o = new_format_ == TssFormat::Bits32 ? push<u32>(cpu_, *error_code)
                                                               : push<u16>(cpu_, static_cast<u16>(*error_code));
            if (failed(o)) return o;
        }
        if (const Outcome o = check_entry_point(cpu_, cpu_.segment[seg_CS], state_.eip); failed(o)) return o;
        if (state_.debug_trap) {
            cpu_.pending_debug |= DR6_BT;
            cpu_.update_attention();
        }
        return Outcome::Jumped;
    }

    Cpu& cpu_;
    TaskSwitchSource source_;
    Resume resume_;
    Segment old_tr_;
    TssFormat old_format_;
    TssFormat new_format_ = TssFormat::Bits32;
    SelectedDescriptor tss_;
    TaskState state_;
};

} // namespace

Outcome switch_task(Cpu& cpu, u16 selector, TaskSwitchSource source, const Resume& resume, const u32* error_code) {
    return TaskSwitch(cpu, source, resume).run(selector, error_code);
}

} // namespace truering
