// Section 7.1: each of the fourteen checks in each of its clauses, what must pass beside it, and their order.
//
// A refused area is compared byte by byte, and root's registers too: nothing but instruction_error changes.
#include "tests/v32/harness.hpp"

using namespace proof;

namespace {

[[gnu::naked]] void call() { asm(CALL_VMM); }

using Change = void (*)(ControlArea&);

void refused(const char* name, u32 error, Change spoil) {
    ControlArea& area = fresh_area(call);
    spoil(area);
    expect_error(name, area, error);
}

void admitted(const char* name, Change change) {
    ControlArea& area = fresh_area(call);
    change(area);
    expect_entry(name, area);
}

// One check for each bit of the mask.
template <class F> void each_bit(u32 mask, F&& f) {
    for (u32 bit = 0; bit < 32; ++bit)
        if (mask >> bit & 1) f(1u << bit);
}

void refused_bits(const char* name, u32 error, u32 mask, u32& (*field)(ControlArea&)) {
    each_bit(mask, [&](u32 bit) {
        ControlArea& area = fresh_area(call);
        field(area) ^= bit;
        expect_error(name, area, error);
    });
}

void admitted_bits(const char* name, u32 mask, u32& (*field)(ControlArea&)) {
    each_bit(mask, [&](u32 bit) {
        ControlArea& area = fresh_area(call);
        field(area) ^= bit;
        expect_entry(name, area);
    });
}

void check_1() {
    refused("7.1/1 revision 0", 1, [](ControlArea& area) { area.revision = 0; });
    refused("7.1/1 revision 2", 1, [](ControlArea& area) { area.revision = 2; });
    refused("7.1/1 revision 101H", 1, [](ControlArea& area) { area.revision = 0x101; });
    admitted("7.1/1 revision 1", [](ControlArea& area) { area.revision = 1; });
}

void check_2_and_3() {
    refused_bits("7.1/2 a reserved control bit", 2, ~u32{controls_all},
                 [](ControlArea& area) -> u32& { return area.controls; });
    admitted("7.1/2 EXTINT_EXIT may be set", [](ControlArea& area) { area.controls = EXTINT_EXIT; });
    admitted("7.1/2 WINDOW_EXIT may be set", [](ControlArea& area) { area.controls = WINDOW_EXIT; });
    admitted("7.1/2 STEP_EXIT may be set", [](ControlArea& area) { area.controls = STEP_EXIT; });
    admitted("7.1/2 HLT_EXIT may be set", [](ControlArea& area) { area.controls = HLT_EXIT; });
    admitted("7.1/2 INVLPG_EXIT may be set", [](ControlArea& area) { area.controls = INVLPG_EXIT; });
    admitted("7.1/2 RDTSC_EXIT may be set", [](ControlArea& area) { area.controls = RDTSC_EXIT; });
    admitted("7.1/2 RDPMC_EXIT may be set", [](ControlArea& area) { area.controls = RDPMC_EXIT; });
    admitted("7.1/2 DR_EXIT may be set", [](ControlArea& area) { area.controls = DR_EXIT; });
    admitted("7.1/2 DT_LOAD_EXIT may be set", [](ControlArea& area) { area.controls = DT_LOAD_EXIT; });
    admitted("7.1/2 DT_STORE_EXIT may be set", [](ControlArea& area) { area.controls = DT_STORE_EXIT; });
    admitted("7.1/2 all may be set", [](ControlArea& area) { area.controls = controls_all & ~u32{IF_SHADOW}; });

    refused("7.1/3 IF_POLICY 3", 3, [](ControlArea& area) { area.controls = 3; });
    refused("7.1/3 IF_POLICY 3 with EXTINT_EXIT", 3, [](ControlArea& area) { area.controls = 3 | EXTINT_EXIT; });
    refused("7.1/3 IF_POLICY DIRECT without EXTINT_EXIT", 3, [](ControlArea& area) { area.controls = IF_DIRECT; });
    admitted("7.1/3 IF_POLICY DIRECT with EXTINT_EXIT",
             [](ControlArea& area) { area.controls = u32{IF_DIRECT} | EXTINT_EXIT; });
    admitted("7.1/3 IF_POLICY SHADOW", [](ControlArea& area) { area.controls = IF_SHADOW; });
    admitted("7.1/3 IF_POLICY SHADOW with EXTINT_EXIT",
             [](ControlArea& area) { area.controls = u32{IF_SHADOW} | EXTINT_EXIT; });
}

u32& guest_cr0(ControlArea& area) { return area.guest.cr0; }

void check_4() {
    refused("7.1/4 CR0.PG is 0", 4, [](ControlArea& area) { area.guest.cr0 &= ~PG; });
    refused("7.1/4 CR0.NW without CD", 4, [](ControlArea& area) { area.guest.cr0 |= NW; });
    refused_bits("7.1/4 a reserved bit of CR0", 4, ~(PE | MP | EM | TS | ET | NE | WP | AM | NW | CD | PG), guest_cr0);
    admitted("7.1/4 CR0.NW with CD", [](ControlArea& area) { area.guest.cr0 |= NW | CD; });
    admitted_bits("7.1/4 CR0 as the guest likes", MP | EM | TS | NE | WP | AM | CD, guest_cr0);
    ControlArea& area = fresh_area(call);
    Wanted w = wanted(area, Reason::V32CALL, 3);
    area.guest.cr0 &= ~ET;
    expect_exit("7.1/4 CR0.ET is ignored", area, w);
    expect_entry("7.1/4 CR0.PE is 0 with PG", fresh_real(call));
}

[[gnu::naked]] void write_cr4() { asm("mov %eax, %cr4; int $0x40"); }

// The bits that MOV to CR4 takes in root are those that a guest may have.
void check_5() {
    const u32 was = cr4();
    each_bit(~u32{PAE | CR4_V32}, [&](u32 bit) {
        Registers root = in_ring(0, write_cr4);
        root.eax = was | bit;
        const bool supported = enter(root).vector == vector::done;
        set_cr4(was);
        ControlArea& area = fresh_area(call);
        area.guest.cr4 = bit;
        if (supported)
            expect_entry("7.1/5 a bit of CR4 that root may set", area);
        else
            expect_error("7.1/5 an unsupported bit of CR4", area, 5);
    });
    refused_bits("7.1/5 a bit of CR4 of later processors", 5, 0xffff7000,
                 [](ControlArea& area) -> u32& { return area.guest.cr4; });
    ControlArea& area = fresh_area(call);
    Wanted w = wanted(area, Reason::V32CALL, 3);
    area.guest.cr4 |= CR4_V32;
    expect_exit("7.1/5 CR4[15] is no unsupported bit", area, w);
}

// Page-directory-pointer table, one directory of large pages for the first GiB.
u64 pointer_table[4] __attribute__((aligned(32)));
u64 large_pages[512] __attribute__((aligned(4096)));

ControlArea& fresh_pae() {
    ControlArea& area = fresh_area(call);
    for (u32 i = 0; i < 512; ++i) large_pages[i] = u64{i} << 21 | page_large | page_user | page_writable | page_present;
    for (u64& entry : pointer_table) entry = 0;
    pointer_table[0] = address(large_pages) | page_present;
    area.guest.cr4 = PAE;
    area.guest.cr3 = address(pointer_table);
    return area;
}

void check_6() {
    expect_entry("7.1/6 PDPTEs without reserved bits", fresh_pae());
    const u64 reserved = 0xffff'fff0'0000'01e6; // 1, 2, 5 to 8, and from MAXPHYADDR = 36 up
    for (u32 entry = 0; entry < 4; ++entry)
        for (u32 bit = 0; bit < 64; ++bit) {
            if (!(reserved >> bit & 1)) continue;
            ControlArea& area = fresh_pae();
            pointer_table[entry] = address(large_pages) | page_present | u64{1} << bit;
            expect_error("7.1/6 a present PDPTE with a reserved bit", area, 6);
        }
    ControlArea& absent = fresh_pae();
    for (u32 i = 1; i < 4; ++i) pointer_table[i] = ~u64{page_present};
    expect_entry("7.1/6 an absent PDPTE may have any", absent);
    for (u32 bit : {3u, 4u, 9u, 10u, 11u}) {
        ControlArea& area = fresh_pae();
        pointer_table[0] |= 1u << bit;
        expect_entry("7.1/6 PWT, PCD and the free bits of a PDPTE", area);
    }
    ControlArea& low = fresh_pae();
    low.guest.cr3 |= 0x18;
    expect_entry("7.1/6 CR3[4:0] are no part of the table's address", low);
    ControlArea& without = fresh_area(call); // its directory has bits 1 and 2 set
    expect_entry("7.1/6 without PAE nobody looks", without);
}

u32& guest_eflags(ControlArea& area) { return area.guest.eflags; }

void check_7() {
    refused("7.1/7 EFLAGS[1] is 0", 7, [](ControlArea& area) { area.guest.eflags = 0; });
    refused_bits("7.1/7 a reserved bit of EFLAGS", 7, 0xffc08028, guest_eflags);
    ControlArea& area = fresh_v86(call);
    area.guest.cr0 &= ~PE;
    area.guest.cpl = 0;
    expect_error("7.1/7 EFLAGS.VM without CR0.PE", area, 7);
    expect_entry("7.1/7 EFLAGS.VM with CR0.PE", fresh_v86(call));
    admitted_bits("7.1/7 EFLAGS as the guest likes",
                  status_flags | TF | IF | DF | IOPL3 | NT | RF | AC | VIF | VIP | 1u << 21, guest_eflags);
}

void check_8_attributes() {
    refused("7.1/8 CS unusable", 8, [](ControlArea& area) { area.guest.segment[CS].attributes |= unusable; });
    for (u32 i = ES; i <= TR; ++i) {
        for (u32 bit = 12; bit <= 14; ++bit) {
            ControlArea& area = fresh_area(call);
            if (i == LDTR) set_segment(area.guest.segment[LDTR], 0, ldt_attributes, 0xff, scratch);
            area.guest.segment[i].attributes = static_cast<u16>(area.guest.segment[i].attributes | 1u << bit);
            expect_error("7.1/8 attributes[14:12] are not 0", area, 8);
            if (i == CS) continue;
            area.guest.segment[i].attributes |= unusable;
            expect_error("7.1/8 attributes[14:12] are not 0, the register unusable", area, 8);
        }
        ControlArea& area = fresh_area(call);
        if (i == LDTR) set_segment(area.guest.segment[LDTR], 0, ldt_attributes, 0xff, scratch);
        SegmentRecord& segment = area.guest.segment[i];
        segment.attributes = static_cast<u16>(segment.attributes & ~present);
        expect_error("7.1/8 a usable register with P=0", area, 8);
        segment.attributes = static_cast<u16>(segment.attributes ^ (present | 0x10));
        expect_error("7.1/8 a usable register with the wrong S", area, 8);
        segment.attributes = static_cast<u16>(segment.attributes ^ 0x10);
        expect_entry("7.1/8 the same register with the right S", area);
    }
}

void check_8_types() {
    for (u32 type = 0; type < 16; ++type) {
        ControlArea& area = fresh_area(call);
        set_segment(area.guest.segment[LDTR], 0x50, present | type, 0xff, scratch);
        if (type == 2)
            expect_entry("7.1/8 LDTR of type 2", area);
        else
            expect_error("7.1/8 LDTR of another type than 2", area, 8);
        ControlArea& other = fresh_area(call);
        other.guest.segment[TR].attributes = static_cast<u16>(present | type);
        if (type == 3 || type == 11)
            expect_entry("7.1/8 TR of type 3 or 11", other);
        else
            expect_error("7.1/8 TR of another type than 3 and 11", other, 8);
        ControlArea& code = fresh_area(call);
        code.guest.segment[CS].attributes = static_cast<u16>(0xC90 | type);
        expect_entry("7.1/8 CS of any type", code);
        ControlArea& data = fresh_area(call);
        for (u32 i : {ES, SS, DS, FS, GS}) data.guest.segment[i].attributes = static_cast<u16>(0xC90 | type);
        expect_entry("7.1/8 data registers of any type", data);
    }
}

void check_8_levels() {
    for (u32 cpl = 1; cpl <= 4; ++cpl) {
        ControlArea& area = fresh_real(call);
        area.guest.cpl = cpl;
        expect_error("7.1/8 cpl not 0 with PE=0", area, 8);
    }
    for (u32 cpl : {0u, 1u, 2u, 4u}) {
        ControlArea& area = fresh_v86(call);
        area.guest.cpl = cpl;
        expect_error("7.1/8 cpl not 3 with VM=1", area, 8);
    }
    for (u32 i = ES; i <= GS; ++i) {
        ControlArea& area = fresh_v86(call);
        SegmentRecord& segment = area.guest.segment[i];
        const SegmentRecord right = segment;
        segment.base += 16;
        expect_error("7.1/8 VM=1 and a base other than selector x 16", area, 8);
        segment = right;
        segment.limit = 0xfffe;
        expect_error("7.1/8 VM=1 and a limit below FFFFH", area, 8);
        segment.limit = 0xffffffff;
        expect_error("7.1/8 VM=1 and a limit above FFFFH", area, 8);
        segment = right;
        for (u32 bit = 0; bit < 16; ++bit) {
            segment.attributes = static_cast<u16>(v86_segment ^ 1u << bit);
            expect_error("7.1/8 VM=1 and attributes other than F3H", area, 8);
        }
    }
}

// "Nothing more."
void check_8_leaves_alone() {
    for (u32 i = ES; i <= TR; ++i) {
        if (i == CS) continue;
        ControlArea& area = fresh_area(call);
        set_segment(area.guest.segment[i], 0, unusable, 0, 0);
        expect_entry("7.1/8 any other register may be unusable", area);
    }
    ControlArea& area = fresh_area(call);
    for (SegmentRecord& segment : area.guest.segment) segment.selector = static_cast<u16>(segment.selector ^ 0xffff);
    expect_entry("7.1/8 selectors are not looked at", area);
    ControlArea& dpl = fresh_area(call);
    for (u32 i = ES; i <= GS; ++i) dpl.guest.segment[i].attributes |= 0x60;
    expect_entry("7.1/8 DPL is not looked at", dpl);
    ControlArea& upper = fresh_area(call);
    for (u32 i : {ES, SS, DS, FS, GS}) upper.guest.segment[i].attributes |= 0xf00;
    expect_entry("7.1/8 attributes[11:8] are not looked at", upper);
    ControlArea& granular = fresh_area(call);
    granular.guest.segment[DS].limit = 0x12345; // no multiple of 4 KiB less 1, with G
    expect_entry("7.1/8 G is not looked at", granular);
    ControlArea& unreal = fresh_real(call);
    for (u32 i : {ES, DS, FS, GS}) set_segment(unreal.guest.segment[i], 0x777, flat_data, 0xffffffff, 0x10);
    expect_entry("7.1/8 PE=0 with caches of protected mode", unreal);
    ControlArea& early = fresh_real(call);
    early.guest.cr0 |= PE;
    expect_entry("7.1/8 PE=1 with caches of real mode", early);
    for (u32 cpl = 0; cpl < 4; ++cpl) {
        ControlArea& odd = fresh_area(call);
        odd.guest.cpl = cpl;
        expect_entry("7.1/8 cpl need not be CS's RPL or DPL", odd);
    }
}

void check_10() {
    for (u32 bit = 0; bit < 12; ++bit) {
        ControlArea& area = fresh_area(call);
        area.io_bitmap = scratch + (1u << bit);
        expect_error("7.1/10 io_bitmap unaligned", area, 10);
    }
    refused("7.1/10 io_bitmap at video memory", 10, [](ControlArea& area) { area.io_bitmap = 0xa0000; });
    refused("7.1/10 io_bitmap half in video memory", 10, [](ControlArea& area) { area.io_bitmap = 0x9f000; });
    refused("7.1/10 io_bitmap at the local APIC", 10, [](ControlArea& area) { area.io_bitmap = 0xfee00000; });
    refused("7.1/10 io_bitmap past the end of RAM", 10, [](ControlArea& area) { area.io_bitmap = 128 << 20; });
    refused("7.1/10 io_bitmap half past the end of RAM", 10,
            [](ControlArea& area) { area.io_bitmap = (128 << 20) - 4096; });
    refused("7.1/10 io_bitmap at the end of 4 GiB", 10, [](ControlArea& area) { area.io_bitmap = 0xfffff000; });
    admitted("7.1/10 io_bitmap just below the end of RAM",
             [](ControlArea& area) { area.io_bitmap = (128 << 20) - 8192; });
    admitted("7.1/10 io_bitmap just below video memory", [](ControlArea& area) { area.io_bitmap = 0x9e000; });
    admitted("7.1/10 io_bitmap 0: none", [](ControlArea& area) { area.io_bitmap = 0; });
}

void check_11() {
    refused("7.1/11 cpl 4", 11, [](ControlArea& area) { area.guest.cpl = 4; });
    refused("7.1/11 cpl FFFFFFFFH", 11, [](ControlArea& area) { area.guest.cpl = 0xffffffff; });
    refused("7.1/11 cpl 100H", 11, [](ControlArea& area) { area.guest.cpl = 0x100; });
    refused("7.1/11 activity 2", 11, [](ControlArea& area) { area.guest.activity = 2; });
    refused("7.1/11 activity 100H", 11, [](ControlArea& area) { area.guest.activity = 0x100; });
    refused("7.1/11 sif 2", 11, [](ControlArea& area) { area.guest.sif = 2; });
    refused("7.1/11 sif 200H", 11, [](ControlArea& area) { area.guest.sif = IF; });
    refused_bits("7.1/11 interruptibility with another bit", 11, ~u32{7},
                 [](ControlArea& area) -> u32& { return area.guest.interruptibility; });
    refused_bits("7.1/11 pending_debug with another bit", 11, ~u32{0x400f},
                 [](ControlArea& area) -> u32& { return area.guest.pending_debug; });
    admitted("7.1/11 sif 1", [](ControlArea& area) { area.guest.sif = 1; });
    for (u32 i = 0; i < 8; ++i) {
        ControlArea& area = fresh_area(call);
        area.guest.interruptibility = i;
        expect_entry("7.1/11 interruptibility 0 to 7", area);
    }
    for (u32 bit : {0u, 1u, 2u, 3u, 14u}) { // the trap comes before the guest's call
        ControlArea& area = fresh_area(call);
        Wanted w = wanted(area, Reason::EXCEPTION);
        w.event = exception_event(vector::DB);
        w.qualification_value = 1u << bit;
        area.guest.pending_debug = 1u << bit;
        expect_exit("7.1/11 each pending_debug bit of DR6", area, w);
    }
}

void checks_12_to_14() {
    refused("7.1/12 a GDTR limit of 10000H", 12, [](ControlArea& area) { area.guest.gdtr.limit = 0x10000; });
    refused("7.1/12 a GDTR limit of FFFFFFFFH", 12, [](ControlArea& area) { area.guest.gdtr.limit = 0xffffffff; });
    refused("7.1/12 an IDTR limit of 10000H", 12, [](ControlArea& area) { area.guest.idtr.limit = 0x10000; });
    refused("7.1/12 an IDTR limit of FFFFFFFFH", 12, [](ControlArea& area) { area.guest.idtr.limit = 0xffffffff; });
    admitted("7.1/12 limits of FFFFH",
             [](ControlArea& area) { area.guest.gdtr.limit = area.guest.idtr.limit = 0xffff; });
    admitted("7.1/12 limits of 0", [](ControlArea& area) { area.guest.gdtr.limit = area.guest.idtr.limit = 0; });

    refused_bits("7.1/13 a bit of EFER that the model lacks", 13, ~u32{NXE},
                 [](ControlArea& area) -> u32& { return area.guest.efer[0]; });
    refused_bits("7.1/13 a bit of EFER's upper half", 13, ~u32{0},
                 [](ControlArea& area) -> u32& { return area.guest.efer[1]; });
    admitted("7.1/13 EFER.NXE", [](ControlArea& area) { area.guest.efer[0] = NXE; });

    refused("7.1/14 tlb_drop 4", 14, [](ControlArea& area) { area.tlb_drop = 4; });
    refused("7.1/14 tlb_drop FFFFFFFFH", 14, [](ControlArea& area) { area.tlb_drop = 0xffffffff; });
    for (u32 i = 0; i < 4; ++i) {
        ControlArea& area = fresh_area(call);
        area.tlb_drop = i;
        expect_entry("7.1/14 tlb_drop 0 to 3", area);
    }
}

// One way to fail each check; [n] fails check n.
const Change spoilers[] = {
    nullptr,
    [](ControlArea& area) { area.revision = 9; },
    [](ControlArea& area) { area.controls |= 1u << 31; },
    [](ControlArea& area) { area.controls |= IF_POLICY; },
    [](ControlArea& area) { area.guest.cr0 |= 1u << 6; },
    [](ControlArea& area) { area.guest.cr4 |= 1u << 31; },
    [](ControlArea&) { pointer_table[2] = page_present | page_writable; },
    [](ControlArea& area) { area.guest.eflags |= 1u << 31; },
    [](ControlArea& area) { area.guest.segment[CS].attributes = unusable; },
    [](ControlArea& area) { area.inject_event = event_valid | 1u << 30; },
    [](ControlArea& area) { area.io_bitmap = 1; },
    [](ControlArea& area) { area.guest.activity = 2; },
    [](ControlArea& area) { area.guest.gdtr.limit = 0x10000; },
    [](ControlArea& area) { area.guest.efer[1] = 1; },
    [](ControlArea& area) { area.tlb_drop = 4; },
};

void the_order() {
    for (u32 first = 1; first <= 14; ++first) {
        for (u32 second = first + 1; second <= 14; ++second) {
            ControlArea& area = fresh_pae();
            spoilers[second](area);
            spoilers[first](area);
            expect_error("7.1/order: of two errors the lower is reported", area, first);
        }
        ControlArea& area = fresh_pae();
        for (u32 i = first; i <= 14; ++i) spoilers[i](area);
        expect_error("7.1/order: of all errors the lowest is reported", area, first);
    }
}

} // namespace

void v32_tests() {
    check_1();
    check_2_and_3();
    check_4();
    check_5();
    check_6();
    check_7();
    check_8_attributes();
    check_8_types();
    check_8_levels();
    check_8_leaves_alone();
    check_10();
    check_11();
    checks_12_to_14();
    the_order();
}
