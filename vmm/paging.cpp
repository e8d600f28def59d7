#include "vmm/paging.hpp"

#include "vmm/empty_socket.hpp"
#include "vmm/enter.hpp"
#include "vmm/guest.hpp"
#include "vmm/hidden_range.hpp"
#include "vmm/identity_map.hpp"
#include "vmm/options.hpp"
#include "vmm/own_tables.hpp"

namespace ringmaster {

namespace {

constinit Shadow the_shadow; // under paging=guest only for its walk
constinit OwnTables own_tables;
constinit ShadowSetup setup;
u32 supported_cr4 = 0;

bool shadows() { return options.paging == PagingPolicy::Shadow; }

u8* reach(void*, u32 frame) {
    return frame < linear_base / page_size ? reinterpret_cast<u8*>(frame * page_size) : nullptr;
}

void find_supported_cr4(u32 features) {
    // The processor's own word, but for the bits that the VMM's paging stands on.
    constexpr u32 own = CR4_PSE;
    for (u32 n = 0; n < V32_CR4_BIT; ++n) {
        if ((bit(n) & (CR4_PSE | CR4_PAE)) != 0) continue;
        if (try_cr4(own | bit(n)) != 0) supported_cr4 |= bit(n);
    }
    try_cr4(own);
    if ((features & CPUID_PSE) != 0) supported_cr4 |= CR4_PSE;
    if ((features & CPUID_PAE) != 0) supported_cr4 |= CR4_PAE;
}

// One of two answers, chosen once for the whole run.
template <class Function> Load load(Function function) {
    return shadows() ? function(the_shadow) : function(own_tables);
}

// Registers in an order that no check refuses: PAE paging, if any, begins with the last.
template <class Paging> void copy_registers(Paging& to, const PagingRegisters& from) {
    to.load_EFER(from.efer);
    (void)to.load_CR4(from.cr4);
    (void)to.load_CR3(from.cr3);
    (void)to.load_CR0(from.cr0);
}

} // namespace

void find_paging_model() {
    constexpr u32 extended_leaf = 0x8000'0001, NX = 1u << 20;
    const u32 features = cpuid(1).edx;
    const u32 last_leaf = cpuid(0x8000'0000).eax;
    const bool has_extended = last_leaf >= extended_leaf && last_leaf < 0x8000'FFFF;
    setup.model.physical_bits = 36;
    setup.model.has_PSE36 = (features & CPUID_PSE36) != 0;
    setup.model.has_NX = has_extended && (cpuid(extended_leaf).edx & NX) != 0;
    find_supported_cr4(features);
    build_identity_map();
    setup.memory.reach = reach;
    setup.memory.hidden = {hidden.base / page_size, hidden.size / page_size};
    setup.memory.empty_frame = static_cast<u32>(empty_socket / page_size);
    constexpr u32 least_pool = 64;
    setup.pool_pages = shadows() ? pages_left() : least_pool;
    setup.pool = static_cast<u8*>(take_pages(setup.pool_pages));
    setup.pool_physical = physical(setup.pool);
}

void reset_paging() {
    the_shadow.start(setup);
    own_tables.start(setup);
}

const PagingRegisters& visible() { return shadows() ? the_shadow.guest() : own_tables.guest(); }

bool load_cr0(u32 value) {
    value = (value & CR0_defined) | CR0_ET;
    if ((value & (CR0_PG | CR0_PE)) == CR0_PG) return false;
    if ((value & (CR0_NW | CR0_CD)) == CR0_NW) return false;
    const u32 difference = value ^ visible().cr0;
    if (load([=](auto& paging) { return paging.load_CR0(value); }) != Load::Done) return false;
    if ((difference & CR0_PE) != 0) guest().cpl = 0;
    return true;
}

bool load_cr3(u32 value) {
    return load([=](auto& paging) { return paging.load_CR3(value); }) == Load::Done;
}

bool load_cr4(u32 value) {
    if ((value & ~supported_cr4) != 0) return false;
    return load([=](auto& paging) { return paging.load_CR4(value); }) == Load::Done;
}

bool load_efer(u64 value) {
    if (!setup.model.has_NX || (value & ~u64{EFER_NXE}) != 0) return false;
    if (shadows())
        the_shadow.load_EFER(static_cast<u32>(value));
    else
        own_tables.load_EFER(static_cast<u32>(value));
    return true;
}

void prepare_paging() {
    if (shadows())
        the_shadow.prepare(area);
    else
        own_tables.prepare(area);
}

LinearMemory guest_memory(Privilege privilege) {
    // Under paging=guest only the walk is wanted, which begins afresh when registers have changed. PDPTEs may have.
    if (!shadows()) {
        const PagingRegisters &own = own_tables.guest(), &known = the_shadow.guest();
        const bool same =
            own.cr0 == known.cr0 && own.cr3 == known.cr3 && own.cr4 == known.cr4 && own.efer == known.efer;
        if (!same || (own.cr4 & CR4_PAE) != 0) {
            the_shadow.start(setup);
            copy_registers(the_shadow, own);
        }
    }
    return {the_shadow, privilege};
}

void page_fault_exit() {
    const u32 linear = area.exit.qualification_value;
    const FaultVerdict verdict = the_shadow.page_fault(linear, area.exit.event_error_code);
    if (verdict.answer == FaultAnswer::Inject) return raise_page_fault(verdict.fault.linear, verdict.fault.error_code);
    if ((area.exit.vectoring_event & event_valid) != 0)
        inject(area.exit.vectoring_event, area.exit.vectoring_error_code);
}

void invalidate_page(u32 linear) { the_shadow.invalidate(linear); }
const ShadowCounters& shadow_counters() { return the_shadow.counters(); }

void replace_page(u32 guest_page, u32 machine_page) {
    replace_in_identity_map(guest_page, machine_page != 0 ? machine_page : guest_page);
    setup.memory.substitute_count = machine_page != 0 ? 1 : 0;
    setup.memory.substitutes[0] = {guest_page / page_size, machine_page / page_size};
    // Both take their view of memory when they start: again, with the registers of now.
    const PagingRegisters now = visible();
    reset_paging();
    if (shadows())
        copy_registers(the_shadow, now);
    else
        copy_registers(own_tables, now);
}

} // namespace ringmaster
