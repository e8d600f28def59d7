#include "cpu/v32/entry.hpp"

#include "cpu/exceptions.hpp"
#include "cpu/v32/events.hpp"
#include "cpu/v32/record.hpp"

#include <algorithm>
#include <cstddef>

namespace truering::v32 {

namespace {

void write_field(Cpu& cpu, size_t offset, u32 value) { cpu.memory.write({cpu.v32.area() + offset}, value, 4); }

StateRecord save_vmm(const Cpu& cpu, u8 length) {
    StateRecord vmm = save_state(cpu);
    vmm.eip += length;
    vmm.cpl = vmm.activity = vmm.sif = vmm.pending_debug = 0;
    vmm.interruptibility &= blocked_by_NMI;
    return vmm;
}

// What the processor works with from here on; the area may be scribbled on.
void copy_controls(V32State& v, const ControlArea& area) {
    v.controls = area.controls;
    v.io_bitmap = area.io_bitmap;
    v.tsc_offset = wide(area.tsc_offset);
    std::copy(std::begin(area.redirect_events), std::end(area.redirect_events), v.redirect_events);
    std::copy(std::begin(area.redirect_software), std::end(area.redirect_software), v.redirect_software);
    v.exit_count = wide(area.exit.exit_count);
    v.step_due = false;
    v.attempt = {};
}

// EFLAGS.IF becomes the visible one (state.hpp).
void load_guest(Cpu& cpu, const StateRecord& guest) {
    load_state(cpu, guest);
    cpu.cr4 |= CR4_V32;
    if (cpu.v32.policy() == IF_DIRECT) return;
    cpu.v32.physical_IF = (guest.eflags & EFLAGS_IF) != 0;
    cpu.eflags_rest = with_bit(cpu.eflags_rest, 9, guest.sif != 0);
}

void drop_translations(Cpu& cpu, const ControlArea& area) {
    cpu.tlb.select(TlbSide::Guest);
    if (paging_bits(cpu) != cpu.v32.paging_at_exit || area.tlb_drop == drop_all)
        cpu.flush_tlb();
    else if (area.tlb_drop == drop_non_global)
        cpu.flush_tlb_non_global();
    else if (area.tlb_drop == drop_page)
        cpu.flush_tlb_page(area.tlb_address);
}

} // namespace

Outcome enter(Cpu& cpu, u8 length) {
    ControlArea area;
    u64 pdpte[4] = {};
    cpu.memory.read({cpu.v32.area()}, {reinterpret_cast<u8*>(&area), offsetof(ControlArea, unnamed_1D8)});
    if (const u32 error = find_entry_error(cpu, area, pdpte); error != 0) {
        write_field(cpu, offsetof(ControlArea, instruction_error), error);
        return raise(cpu, Vector::GP, 0);
    }
    cpu.v32.vmm = save_vmm(cpu, length);
    cpu.memory.write({cpu.v32.area() + V32_OFFSET_VMM},
                     {reinterpret_cast<const u8*>(&cpu.v32.vmm), sizeof cpu.v32.vmm});
    write_field(cpu, offsetof(ControlArea, inject_event), 0);
    write_field(cpu, offsetof(ControlArea, tlb_drop), 0);

    copy_controls(cpu.v32, area);
    load_guest(cpu, area.guest);
    std::copy(std::begin(pdpte), std::end(pdpte), cpu.pdpte);
    drop_translations(cpu, area);
    if ((area.inject_event & event_valid) != 0)
        cpu.v32.injection = decode_event(area.inject_event, area.inject_error_code);
    cpu.event_delivered = true; // a trap that the VMM's TF wanted is not the guest's
    cpu.update_view();
    cpu.update_attention();
    return Outcome::Jumped;
}

} // namespace truering::v32
