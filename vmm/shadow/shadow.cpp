#include "vmm/shadow/shadow.hpp"

namespace ringmaster {

void Shadow::start(const ShadowSetup& setup) {
    paging_.start(setup.memory, setup.model);
    tables_.start(paging_, setup.pool, setup.pool_physical, setup.pool_pages);
}

// ---- Registers. What a processor does to its TLB on these occasions: SDM vol. 3A, 4.10.4.1; to the PDPTEs: 4.4.1.

void Shadow::flush() {
    tables_.close_all();
    tables_.load_root();
}

Load Shadow::load_CR0(u32 value) {
    PagingRegisters& r = paging_.registers;
    const u32 changed = value ^ r.cr0;
    const bool loads = (value & CR0_PG) != 0 && paging_.is_PAE() && (changed & (CR0_PG | CR0_CD | CR0_NW)) != 0;
    if (loads && !paging_.load_PDPTEs(r.cr3)) return Load::GeneralProtection;
    r.cr0 = value;
    if ((changed & (CR0_PG | CR0_WP)) != 0) tables_.restart();
    if (loads || (changed & (CR0_PG | CR0_WP)) != 0) flush();
    return Load::Done;
}

Load Shadow::load_CR3(u32 value) {
    if (loads_PDPTEs() && !paging_.load_PDPTEs(value)) return Load::GeneralProtection;
    paging_.registers.cr3 = value;
    if (!paging_.is_on()) return Load::Done;
    flush();
    tables_.drop.non_global();
    return Load::Done;
}

Load Shadow::load_CR4(u32 value) {
    PagingRegisters& r = paging_.registers;
    const u32 changed = (value ^ r.cr4) & (CR4_PSE | CR4_PAE | CR4_PGE);
    const bool loads = paging_.is_on() && (value & CR4_PAE) != 0 && changed != 0;
    if (loads && !paging_.load_PDPTEs(r.cr3)) return Load::GeneralProtection;
    r.cr4 = value;
    if (!paging_.is_on() || changed == 0) return Load::Done;
    if ((changed & (CR4_PSE | CR4_PAE)) != 0) tables_.restart();
    flush();
    tables_.drop.all();
    return Load::Done;
}

void Shadow::load_EFER(u32 value) {
    const u32 changed = value ^ paging_.registers.efer;
    paging_.registers.efer = value;
    if (!paging_.is_on() || (changed & EFER_NXE) == 0) return;
    tables_.restart();
    flush();
}

void Shadow::load_address_mask(u32 mask) {
    const u32 frame_mask = mask >> 12 | ~(~u32{0} >> 12);
    if (frame_mask == paging_.memory.frame_mask) return;
    paging_.memory.frame_mask = frame_mask;
    tables_.restart();
    tables_.load_root();
}

// ---- Accesses

FaultVerdict Shadow::page_fault(u32 linear, u32 error_code) {
    const Privilege privilege = (error_code & pf_user) != 0 ? Privilege::User : Privilege::Supervisor;
    Access access = Access::Read;
    if ((error_code & pf_write) != 0) access = Access::Write;
    if ((error_code & pf_fetch) != 0) access = Access::Fetch;

    if (access == Access::Write && tables_.open_for_store(linear, privilege)) {
        ++tables_.counters.fills;
        return {};
    }
    GuestWalk walk = paging_.walk(linear);
    tables_.compare_path(linear);
    if (!walk.present || walk.reserved || !paging_.allows(walk, access, privilege)) {
        ++tables_.counters.guest_faults;
        return {FaultAnswer::Inject, {paging_.error_code(walk, access, privilege), linear}};
    }
    ++tables_.counters.fills;
    paging_.mark_used(walk, access);
    tables_.map(linear, walk, access, privilege);
    return {};
}

void Shadow::invalidate(u32 linear) {
    if (paging_.is_on()) tables_.invalidate(linear);
}

void Shadow::prepare(v32::ControlArea& area) {
    const PagingRegisters& r = paging_.registers;
    // Paging, and protection of read-only pages from supervisors, are always on; of CR4 PAE; NX where it exists.
    // CR4.PGE is the guest's: global entries of the shadow are the guest's own.
    area.guest.cr0 = r.cr0 | CR0_PG | CR0_WP;
    area.guest.cr3 = tables_.root_physical();
    area.guest.cr4 = (r.cr4 & ~u32{CR4_PSE}) | CR4_PAE;
    area.guest.efer[0] = r.efer | (paging_.has_NX() ? u32{EFER_NXE} : 0);
    area.guest.efer[1] = 0;
    tables_.drop.take(area.tlb_drop, area.tlb_address);
}

Translation Shadow::translate(u32 linear, Access access, Privilege privilege) {
    Translation translation;
    GuestWalk walk = paging_.walk(linear);
    if (!walk.present || walk.reserved || !paging_.allows(walk, access, privilege)) {
        tables_.compare_path(linear);
        tables_.drop.page(linear, Globality::Global); // as a page fault does
        translation.result = Translation::Result::Faulted;
        translation.fault = {paging_.error_code(walk, access, privilege), linear};
        return translation;
    }
    paging_.mark_used(walk, access);
    const GuestMemory& memory = paging_.memory;
    const u32 frame = memory.machine_frame(walk.frame);
    if (access == Access::Write) tables_.open(frame);
    translation.physical = u64{frame} << 12 | page_offset(linear);
    u8* bytes = memory.bytes(walk.frame);
    if (bytes != nullptr) translation.bytes = bytes + page_offset(linear);
    return translation;
}

void Shadow::written(u64 guest_physical) {
    tables_.open(paging_.memory.machine_frame(static_cast<u32>(guest_physical >> 12)));
}

} // namespace ringmaster
