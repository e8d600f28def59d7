#include "vmm/paging.hpp"

#include "vmm/empty_socket.hpp"
#include "vmm/enter.hpp"
#include "vmm/guest.hpp"
#include "vmm/hidden_range.hpp"
#include "vmm/identity_map.hpp"
#include "vmm/options.hpp"

namespace ringmaster {

namespace {

constinit Shadow the_shadow;
constinit ShadowSetup setup;
u32 supported_cr4 = 0;
alignas(32) u64 pdptes[4]; // paging=guest: what a bare processor would hold
bool changed = true;       // paging=guest: the record must be made anew

u8* reach(void*, u32 frame) {
    return frame < linear_base / page_size ? reinterpret_cast<u8*>(frame * page_size) : nullptr;
}

bool shadows() { return options.paging == PagingPolicy::Shadow; }

void find_supported_cr4(u32 features) {
    // The processor's own word, but for the bits that the VMM's paging stands on.
    const u32 mine = CR4_PSE;
    for (u32 n = 0; n < V32_CR4_BIT; ++n) {
        const u32 bit_n = bit(n);
        if ((bit_n & (CR4_PSE | CR4_PAE)) != 0) continue;
        if (try_cr4(mine | bit_n) != 0) supported_cr4 |= bit_n;
    }
    try_cr4(mine);
    if ((features & CPUID_PSE) != 0) supported_cr4 |= CR4_PSE;
    if ((features & CPUID_PAE) != 0) supported_cr4 |= CR4_PAE;
}

// The registers of the guest's own, for a processor that shall use its tables itself.
void drop_translations(TlbDrop kind) {
    changed = true;
    if (area.tlb_drop < kind) area.tlb_drop = kind;
}

void copy_pdptes() {
    if (!guest_paging() || (visible().cr4 & CR4_PAE) == 0) return;
    const u32 table = visible().cr3 & ~31u;
    const auto* const page = setup.memory.bytes(table / page_size);
    for (u32 n = 0; n < 4; ++n)
        pdptes[n] = page == nullptr ? 0 : reinterpret_cast<const u64*>(page + table % page_size)[n];
}

void prepare_own_tables() {
    if (!changed) return;
    changed = false;
    const PagingRegisters& own = visible();
    guest().efer[0] = own.efer;
    guest().cr0 = own.cr0 | CR0_PG;
    guest().cr4 = guest_paging() ? own.cr4 : own.cr4 | CR4_PAE;
    if (!guest_paging())
        guest().cr3 = identity_cr3();
    else
        guest().cr3 = (own.cr4 & CR4_PAE) != 0 ? physical(pdptes) : own.cr3;
}

} // namespace

Shadow& shadow() { return the_shadow; }

void find_paging_model() {
    const u32 features = cpuid(1).edx;
    const bool has_extended = cpuid(0x8000'0000).eax >= 0x8000'0001 && cpuid(0x8000'0000).eax < 0x8000'FFFF;
    setup.model.physical_bits = 36;
    setup.model.has_PSE36 = (features & CPUID_PSE36) != 0;
    setup.model.has_NX = has_extended && (cpuid(0x8000'0001).edx & bit(20)) != 0;
    find_supported_cr4(features);
    build_identity_map();
    setup.memory.reach = reach;
    setup.memory.hidden = {hidden.base / page_size, hidden.size / page_size};
    setup.memory.empty_frame = static_cast<u32>(empty_socket / page_size);
    setup.pool_pages = pages_left();
    setup.pool = static_cast<u8*>(take_pages(setup.pool_pages));
    setup.pool_physical = physical(setup.pool);
}

void reset_paging() {
    the_shadow.start(setup);
    drop_translations(drop_all);
}

bool load_cr0(u32 value) {
    value = (value & CR0_defined) | CR0_ET;
    if ((value & (CR0_PG | CR0_PE)) == CR0_PG) return false;
    if ((value & (CR0_NW | CR0_CD)) == CR0_NW) return false;
    const u32 difference = value ^ visible().cr0;
    if (the_shadow.load_CR0(value) != Load::Done) return false;
    if ((difference & CR0_PE) != 0) guest().cpl = 0;
    if ((difference & value & CR0_PG) != 0) copy_pdptes();
    if ((difference & (CR0_PG | CR0_PE | CR0_WP)) != 0) drop_translations(drop_all);
    changed = true;
    return true;
}

bool load_cr3(u32 value) {
    if (the_shadow.load_CR3(value) != Load::Done) return false;
    copy_pdptes();
    drop_translations(drop_non_global);
    return true;
}

bool load_cr4(u32 value) {
    if ((value & ~supported_cr4) != 0) return false;
    const u32 difference = value ^ visible().cr4;
    if (the_shadow.load_CR4(value) != Load::Done) return false;
    if ((difference & (CR4_PSE | CR4_PAE | CR4_PGE)) != 0) {
        copy_pdptes();
        drop_translations(drop_all);
    }
    changed = true;
    return true;
}

bool load_efer(u64 value) {
    if ((value & ~u64{setup.model.has_NX ? EFER_NXE : 0u}) != 0) return false;
    the_shadow.load_EFER(static_cast<u32>(value));
    drop_translations(drop_all);
    return true;
}

void prepare_paging() {
    if (shadows())
        the_shadow.prepare(area);
    else
        prepare_own_tables();
}

void page_fault_exit() {
    const u32 linear = area.exit.qualification_value;
    const FaultVerdict verdict = the_shadow.page_fault(linear, area.exit.event_error_code);
    if (verdict.answer == FaultAnswer::Inject) return raise_page_fault(verdict.fault.linear, verdict.fault.error_code);
    if ((area.exit.vectoring_event & event_valid) != 0)
        inject(area.exit.vectoring_event, area.exit.vectoring_error_code);
}

void replace_page(u32 guest_page, u32 machine_page) {
    replace_in_identity_map(guest_page, machine_page != 0 ? machine_page : guest_page);
    setup.memory.substitute_count = machine_page != 0 ? 1 : 0;
    setup.memory.substitutes[0] = {guest_page / page_size, machine_page / page_size};
    // The shadow takes its view of memory when it starts: again, with the registers of now.
    const PagingRegisters now = visible();
    reset_paging();
    (void)load_efer(now.efer);
    (void)load_cr4(now.cr4);
    (void)load_cr3(now.cr3);
    (void)load_cr0(now.cr0);
}

} // namespace ringmaster
