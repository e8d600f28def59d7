// Section 7, "Translations": whose entries live how long, and what drops them.
//
// A probe page of the guest is mapped first to one frame, then to another. Which of the two a read finds tells whether
// the translation was kept or dropped. The contract lets a processor lose an entry at any time; the checks named "kept"
// hold for this one, whose speed stands on it; those named "dropped" hold for all.
#include "tests/v32/harness.hpp"

using namespace proof;

namespace {

[[gnu::naked]] void call() { asm(CALL_VMM); }
[[gnu::naked]] void read_ebx() { asm("mov (%ebx), %eax\n" CALL_VMM); }
[[gnu::naked]] void write_ebx() { asm("mov %eax, (%ebx)\n" CALL_VMM); }
[[gnu::naked]] void invlpg_ebx() { asm("invlpg (%ebx)\n" CALL_VMM); }

constexpr u32 old_frame = scratch + 0x100000, new_frame = scratch + 0x101000;
constexpr u32 old_value = 0x01d01d01, new_value = 0x2e32e32e;
constexpr u32 probe = scratch, other_probe = scratch + 0x5000;
constexpr u32 mapped = page_present | page_writable | page_user;

void set_frames() {
    word_at(old_frame) = old_value;
    word_at(new_frame) = new_value;
}

// One more run of the guest's instruction at `code`; the answer is its EAX.
u32 again(ControlArea& area, Code code, u32 linear) {
    area.guest.eip = address(code);
    area.guest.gpr[EBX] = linear;
    run(area);
    return area.guest.gpr[EAX];
}

u32 read(ControlArea& area, u32 linear) { return again(area, read_ebx, linear); }

// A guest that has read both probes through the old frame; the page table names the new one now.
ControlArea& warmed(u32 more_bits = 0) {
    ControlArea& area = fresh_area(call);
    set_frames();
    if (more_bits & page_global) area.guest.cr4 |= PGE;
    for (const u32 linear : {probe, other_probe}) guest_page(linear) = old_frame | mapped | more_bits;
    const bool warm = read(area, probe) == old_value && read(area, other_probe) == old_value;
    check("7/translations: the guest reads through its page tables", warm);
    for (const u32 linear : {probe, other_probe}) guest_page(linear) = new_frame | mapped | more_bits;
    return area;
}

void kept() {
    ControlArea* area = &warmed();
    check_equal("7/translations kept: entry and exit drop nothing", read(*area, probe), old_value);
    area = &warmed(page_global);
    check_equal("7/translations kept: global ones, too", read(*area, probe), old_value);
    area = &warmed();
    area->revision = 0;
    area->tlb_drop = 3;
    run(*area);
    check_equal("7/translations: (the entry failed)", area->instruction_error, 1);
    area->revision = revision;
    area->tlb_drop = 0;
    check_equal("4.1/tlb_drop: a failing entry drops nothing", read(*area, probe), old_value);
}

void dropped_by_tlb_drop() {
    ControlArea* area = &warmed();
    area->tlb_drop = drop_page;
    area->tlb_address = probe;
    check_equal("4.1/tlb_drop 1 drops the page", read(*area, probe), new_value);
    check_equal("4.1/tlb_drop 1 keeps another page", read(*area, other_probe), old_value);
    area = &warmed();
    area->tlb_drop = drop_page;
    area->tlb_address = probe + 0xfff;
    check_equal("4.1/tlb_address[11:0] is ignored", read(*area, probe), new_value);
    area = &warmed(page_global);
    area->tlb_drop = drop_page;
    area->tlb_address = probe;
    check_equal("4.1/tlb_drop 1 drops a global page", read(*area, probe), new_value);
    area = &warmed();
    area->tlb_drop = drop_non_global;
    check_equal("4.1/tlb_drop 2 drops what is not global", read(*area, probe), new_value);
    check_equal("4.1/tlb_drop 2 drops all of that", read(*area, other_probe), new_value);
    area = &warmed(page_global);
    area->tlb_drop = drop_non_global;
    check_equal("4.1/tlb_drop 2 keeps what is global", read(*area, probe), old_value);
    area = &warmed(); // the G bit without CR4.PGE is none
    for (const u32 linear : {probe, other_probe}) guest_page(linear) |= page_global;
    area->tlb_drop = drop_non_global;
    check_equal("4.1/tlb_drop 2 with guest CR4.PGE=0 drops all", read(*area, probe), new_value);
    area = &warmed(page_global);
    area->tlb_drop = drop_all;
    check_equal("4.1/tlb_drop 3 drops global ones, too", read(*area, probe), new_value);
    check_equal("4.1/tlb_drop 3 drops all", read(*area, other_probe), new_value);
    area = &warmed();
    area->tlb_drop = drop_nothing;
    area->tlb_address = probe;
    check_equal("4.1/tlb_drop 0 drops nothing", read(*area, probe), old_value);
    area = &warmed();
    area->tlb_drop = drop_page; // and what an exit then leaves is 0: the next entry drops nothing
    area->tlb_address = scratch + 0x9000;
    read(*area, probe);
    check_equal("4.1/tlb_drop is done once", read(*area, other_probe), old_value);
}

// --- Paging modes that change between the last exit and an entry

u64 pointer_table[4] __attribute__((aligned(32)));
u64 pae_directories[4][512] __attribute__((aligned(4096)));
u64 pae_table[512] __attribute__((aligned(4096)));

void build_pae() {
    for (u32 i = 0; i < 4; ++i) {
        for (u32 j = 0; j < 512; ++j) pae_directories[i][j] = 0;
        pointer_table[i] = 0;
    }
    for (u32 i = 0; i < 4; ++i) pae_directories[0][i] = u64{i} << 21 | mapped | page_large;
    for (u32 i = 0; i < 512; ++i) pae_table[i] = (scratch + i * 0x1000) | mapped;
    pae_directories[0][scratch >> 21] = address(pae_table) | mapped;
    pointer_table[0] = address(pae_directories[0]) | page_present;
}

void dropped_by_changed_modes() {
    struct {
        const char* name;
        void (*change)(StateRecord&);
    } const changes[] = {
        {"7/translations dropped: CR0.WP changed", [](StateRecord& guest) { guest.cr0 ^= WP; }},
        {"7/translations dropped: CR4.PSE changed", [](StateRecord& guest) { guest.cr4 ^= PSE; }},
        {"7/translations dropped: CR4.PGE changed", [](StateRecord& guest) { guest.cr4 ^= PGE; }},
        {"7/translations dropped: EFER.NXE changed", [](StateRecord& guest) { guest.efer[0] ^= NXE; }},
    };
    for (const auto& c : changes)
        for (const u32 bits : {0u, u32{page_global}}) {
            ControlArea& area = warmed(bits);
            c.change(area.guest);
            check_equal(c.name, read(area, probe), new_value);
            check_equal(c.name, read(area, other_probe), new_value);
        }
    ControlArea& area = warmed();
    build_pae();
    pae_table[0] = new_frame | mapped;
    area.guest.cr4 |= PAE;
    area.guest.cr3 = address(pointer_table);
    check_equal("7/translations dropped: CR4.PAE changed", read(area, probe), new_value);
    for (void (*const change)(StateRecord&) :
         {+[](StateRecord& guest) { guest.cr0 ^= AM; }, +[](StateRecord& guest) { guest.cr4 ^= DE; }}) {
        ControlArea& same = warmed();
        change(same.guest);
        check_equal("7/translations kept: another bit of CR0 or CR4 changed", read(same, probe), old_value);
    }
    ControlArea& other = warmed();
    static u32 copy[1024] __attribute__((aligned(4096)));
    for (u32 i = 0; i < 1024; ++i) copy[i] = guest_directory[i];
    other.guest.cr3 = address(copy);
    check_equal("7/translations kept: another CR3 in the record drops nothing by itself", read(other, probe),
                old_value);
}

void dropped_by_V32_VCA() {
    for (const u32 bits : {0u, u32{page_global}}) {
        ControlArea& area = warmed(bits);
        write_msr(msr_V32_VCA, read_msr(msr_V32_VCA));
        check_equal("7/translations dropped: V32_VCA written, with the same value", read(area, probe), new_value);
        check_equal("7/translations dropped: all of them", read(area, other_probe), new_value);
    }
}

void guest_invlpg() {
    ControlArea* area = &warmed();
    again(*area, invlpg_ebx, probe);
    check_equal("7/the guest's INVLPG drops its page", read(*area, probe), new_value);
    check_equal("7/the guest's INVLPG keeps another", read(*area, other_probe), old_value);
    area = &warmed();
    area->controls |= INVLPG_EXIT;
    again(*area, invlpg_ebx, probe);
    check_equal("7/INVLPG that exits...", area->exit.exit_reason, static_cast<u32>(Reason::INVLPG));
    check_equal("7/...drops nothing", read(*area, probe), old_value);
}

// --- Root and guest

void two_sides() {
    // The same linear address, another frame on either side.
    ControlArea* area = &fresh_area(call);
    set_frames();
    root_page(probe) = new_frame | mapped;
    invalidate(probe);
    guest_page(probe) = old_frame | mapped;
    check_equal("7/root and guest apart: the guest's frame", read(*area, probe), old_value);
    check_equal("7/root and guest apart: root's frame", word_at(probe), new_value);
    check_equal("7/root and guest apart: and again", read(*area, probe), old_value);
    check_equal("7/root and guest apart: and again in root", word_at(probe), new_value);
    root_page(probe) = probe | mapped;
    invalidate(probe);

    area = &warmed();
    invalidate(probe);
    set_cr3(address(root_directory));
    check_equal("7/root's INVLPG and MOV CR3 act on root's", read(*area, probe), old_value);

    area = &fresh_area(call);
    root_page(probe) = old_frame | mapped;
    invalidate(probe);
    check_equal("7/root's translation", word_at(probe), old_value);
    root_page(probe) = new_frame | mapped;
    area->tlb_drop = drop_all;
    read(*area, scratch + 0x8000);
    again(*area, invlpg_ebx, probe);
    check_equal("7/root's translations kept: entry, exit, tlb_drop 3, the guest's INVLPG", word_at(probe), old_value);
    invalidate(probe);
    check_equal("7/root's INVLPG drops root's", word_at(probe), new_value);
    root_page(probe) = probe | mapped;
    invalidate(probe);
}

// --- #PF

void after_page_faults() {
    set_frames();
    // Never cached: an absent page.
    ControlArea* area = &fresh_area(call);
    guest_page(probe) = 0;
    area->guest.eip = address(read_ebx);
    area->guest.gpr[EBX] = probe;
    Wanted w = wanted_fault(*area, vector::PF, 2, 0);
    w.qualification_value = probe;
    expect_exit("7/#PF of an absent page", *area, w);
    guest_page(probe) = new_frame | mapped;
    check_equal("7/a not-present entry is never cached", read(*area, probe), new_value);

    // Cached read-only; a VMM that only adds rights drops nothing.
    for (const bool exits : {true, false}) {
        area = &fresh_area(call, 3);
        if (!exits) give_event(*area, vector::PF);
        guest_page(probe) = old_frame | page_present | page_user;
        check_equal("7/#PF: the page is read", read(*area, probe), old_value);
        area->guest.eip = address(write_ebx);
        area->guest.gpr[EAX] = 0x77;
        const StateRecord before = area->guest;
        run(*area);
        check_equal("7/#PF: a write to a read-only page", area->exit.exit_reason,
                    static_cast<u32>(exits ? Reason::EXCEPTION : Reason::V32CALL));
        area->guest = before; // the handler's work done, the write is tried again
        guest_page(probe) |= page_writable;
        run(*area);
        check_equal(exits ? "7/#PF that exits drops what is cached for its address"
                          : "7/#PF of the guest's own drops what is cached for its address",
                    area->exit.exit_reason, static_cast<u32>(Reason::V32CALL));
        check_equal("7/#PF: the write is done", word_at(old_frame), 0x77);
        check_equal("7/#PF: CPL is still 3", area->guest.cpl, 3);
        set_frames();
    }

    // Rights added before any fault: at most the one stale #PF, never a second.
    area = &fresh_area(call, 3);
    guest_page(probe) = old_frame | page_present | page_user;
    read(*area, probe);
    guest_page(probe) |= page_writable;
    area->guest.eip = address(write_ebx);
    area->guest.gpr[EAX] = 0x88;
    const StateRecord before = area->guest;
    run(*area);
    if (area->exit.exit_reason == static_cast<u32>(Reason::EXCEPTION)) {
        area->guest = before;
        run(*area);
    }
    check_equal("7/a VMM that only adds rights drops nothing", area->exit.exit_reason,
                static_cast<u32>(Reason::V32CALL));
    check_equal("7/a VMM that only adds rights: the write is done", word_at(old_frame), 0x88);
}

// --- PDPTEs

constexpr u32 high = 0x40000000; // of the second PDPTE

void pdptes_of_the_guest() {
    set_frames();
    build_pae();
    ControlArea& area = fresh_area(call);
    area.guest.cr4 = PAE;
    area.guest.cr3 = address(pointer_table);
    static u64 tables[2][512] __attribute__((aligned(4096)));
    tables[0][0] = old_frame | mapped;
    tables[1][0] = new_frame | mapped;
    pae_directories[1][0] = address(tables[0]) | mapped;
    pae_directories[2][0] = address(tables[1]) | mapped;
    pointer_table[1] = address(pae_directories[1]) | page_present;
    check_equal("7/PDPTEs: loaded at entry", read(area, high), old_value);
    pointer_table[1] = address(pae_directories[2]) | page_present;
    area.tlb_drop = drop_all;
    check_equal("7/PDPTEs: loaded again at the next entry", read(area, high), new_value);
}

// Root under PAE: the guest itself changes root's second PDPTE; the exit loads it.
[[gnu::naked]] void write_ecx_to_edi() { asm("mov %ecx, (%edi)\n" CALL_VMM); }

void pdptes_of_root() {
    set_frames();
    build_pae();
    ControlArea& area = fresh_area(write_ecx_to_edi);
    for (u32 i = 0; i < 8; ++i) pae_directories[0][i] = u64{i} << 21 | mapped | page_large;
    pae_directories[3][0xfec00000u >> 21 & 511] = 0xfec00000 | mapped | page_large;
    pae_directories[3][0xfee00000u >> 21 & 511] = 0xfee00000 | mapped | page_large;
    static u64 tables[2][512] __attribute__((aligned(4096)));
    tables[0][0] = old_frame | mapped;
    tables[1][0] = new_frame | mapped;
    pae_directories[1][0] = address(tables[0]) | mapped;
    pae_directories[2][0] = address(tables[1]) | mapped;
    pointer_table[1] = address(pae_directories[1]) | page_present;
    pointer_table[3] = address(pae_directories[3]) | page_present;
    set_cr0(cr0() & ~PG);
    set_cr4(cr4() | PAE);
    set_cr3(address(pointer_table));
    set_cr0(cr0() | PG);
    area.guest.gpr[ECX] = address(pae_directories[2]) | page_present;
    area.guest.gpr[EDI] = address(&pointer_table[1]);
    const Event event = run(area);
    check_equal("7/PDPTEs of root: the exit came", event.vector, V32_VECTOR_VT);
    invalidate(high);
    check_equal("7/PDPTEs of root: loaded from memory by the exit", word_at(high), new_value);
    set_cr0(cr0() & ~PG);
    set_cr4(PSE);
    set_cr3(address(root_directory));
    set_cr0(cr0() | PG);
}

// --- Accessed and dirty bits are the guest's paging's, not entry's
void accessed_and_dirty() {
    ControlArea& area = fresh_area(call);
    set_frames();
    guest_page(probe) = old_frame | mapped;
    read(area, probe);
    check_equal("7/paging of the guest sets A", guest_page(probe) & (page_accessed | page_dirty), page_accessed);
    again(area, write_ebx, probe);
    check_equal("7/paging of the guest sets D", guest_page(probe) & (page_accessed | page_dirty),
                page_accessed | page_dirty);
}

} // namespace

void v32_tests() {
    kept();
    dropped_by_tlb_drop();
    dropped_by_changed_modes();
    dropped_by_V32_VCA();
    guest_invlpg();
    two_sides();
    after_page_faults();
    pdptes_of_the_guest();
    pdptes_of_root();
    accessed_and_dirty();
}
