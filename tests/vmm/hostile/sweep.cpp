// Every frame of memory, written and read by way of every kind of mapping that a guest can make.
//
// What no write changes must be one range, the same by every way, and read as ones: the VMM's bytes are not there.
#include "tests/vmm/hostile/hostile.hpp"

namespace hostile {

namespace {

constexpr uint32_t PG = 1u << 31, PSE = 1u << 4, PAE = 1u << 5;
constexpr uint32_t present_writable = 3, user = 4, large_bit = 0x80;
constexpr uint32_t window = 0x4000'0000, vmm_window = 0xF000'0000; // the second is where the VMM itself is linked

// In the scratch RAM: this guest's image is at 1 MiB.
constexpr uint32_t directory = scratch, table = scratch + page, pointers = scratch + 2 * page,
                   directories = scratch + 3 * page, low_table = scratch + 7 * page, last_table = scratch + 9 * page;

// One frame, wherever it is mapped: does it take a write? What does not must be ones, before and after.
struct Probe {
    uint32_t begin = 0, end = 0, pieces = 0, not_ones = 0;

    void frame(uint32_t linear, uint32_t physical) {
        constexpr uint32_t places[] = {0, 0x7FC, 0xFFC};
        bool takes = true, ones = true;
        for (const uint32_t place : places) {
            volatile uint32_t& word = word_at(linear + place);
            const uint32_t before = word;
            word = ~before;
            const uint32_t after = word;
            takes = takes && after == ~before;
            ones = ones && before == ~0u && after == ~0u;
            word = before;
        }
        if (takes) return;
        if (!ones) ++not_ones;
        if (physical != end) {
            ++pieces;
            begin = physical;
        }
        end = physical + page;
    }

    // The host compares this line with the truth.
    void report(const char* way) const {
        say("NO MEMORY ");
        say_hex(begin);
        say("-");
        say_hex(end);
        say(" ");
        say(way);
        say("\n");
        check_equal("it is one range", pieces, 1);
        check_equal("and reads as ones", not_ones, 0);
    }
};

constexpr uint32_t first_frame = scratch + scratch_size; // below are image and tables of this guest
constexpr uint32_t last_frame = ram_end - 0x4'0000;      // above: what the firmware has left

void page_on(uint32_t cr3, uint32_t more_cr4) {
    set_cr4((cr4() & ~(PSE | PAE)) | more_cr4);
    set_cr3(cr3);
    set_cr0(cr0() | PG);
}
void page_off() {
    set_cr0(cr0() & ~PG);
    set_cr4(cr4() & ~(PSE | PAE));
}
void invlpg(uint32_t linear) { asm volatile("invlpg (%0)" : : "r"(linear) : "memory"); }

void clear(uint32_t address, uint32_t bytes) {
    for (uint32_t n = 0; n < bytes; n += 4) word_at(address + n) = 0;
}

void by_small_pages(uint32_t at, const char* way) {
    clear(directory, page);
    word_at(directory) = present_writable | large_bit;
    word_at(directory + 4) = scratch | present_writable | large_bit;
    word_at(directory + (at >> 22) * 4) = table | present_writable | user;
    clear(table, page);
    page_on(directory, PSE);
    Probe probe;
    for (uint32_t frame = first_frame; frame < last_frame; frame += page) {
        const uint32_t slot = frame >> 12 & 1023;
        word_at(table + slot * 4) = frame | present_writable | user;
        invlpg(at + slot * page);
        probe.frame(at + slot * page, frame);
    }
    page_off();
    probe.report(way);
}

void by_large_pages() {
    clear(directory, page);
    word_at(directory) = present_writable | large_bit;
    word_at(directory + 4) = scratch | present_writable | large_bit;
    page_on(directory, PSE);
    Probe probe;
    for (uint32_t frame = first_frame; frame < last_frame; frame += page) {
        if (frame % large == 0) {
            word_at(directory + (window >> 22) * 4) = frame | present_writable | large_bit;
            invlpg(window);
        }
        probe.frame(window + frame % large, frame);
    }
    page_off();
    probe.report("by 4-MiB pages");
}

uint64_t& pae_entry(uint32_t address) { return *reinterpret_cast<uint64_t*>(address); }

void build_PAE() {
    clear(pointers, page);
    clear(directories, 6 * page);
    for (uint32_t n = 0; n < 4; ++n) pae_entry(pointers + 8 * n) = (directories + n * page) | 1;
    for (uint32_t n = 0; n < 4; ++n) pae_entry(directories + 8 * n) = (n << 21) | present_writable | large_bit;
}

void by_PAE() {
    build_PAE();
    uint64_t& pde = pae_entry(directories + page + 0 * 8); // linear 4000'0000H
    pde = low_table | present_writable;
    page_on(pointers, PAE);
    Probe probe;
    for (uint32_t frame = first_frame; frame < last_frame; frame += page) {
        const uint32_t slot = frame >> 12 & 511;
        pae_entry(low_table + slot * 8) = frame | present_writable;
        invlpg(window + slot * page);
        probe.frame(window + slot * page, frame);
    }
    probe.report("by PAE");
    // Beyond 4 GiB: none of the 36-bit aliases of the hidden frames may be them.
    bool nothing = true;
    for (uint64_t high = 1; high < 16; ++high) {
        pae_entry(low_table) = hidden_begin() | high << 32 | present_writable;
        invlpg(window);
        word_at(window) = 0x1234'5678;
        nothing = nothing && word_at(window) == ~0u;
    }
    check("PAE: nothing answers above 4 GiB", nothing);
    page_off();
}

// A table, a directory and a CR3 within the hidden range: the walk must see ones there (a large page with reserved
// bits, a page above RAM), and the A and D bits that it sets must not arrive.
void tables_in_the_hidden_range() {
    const uint32_t hidden = hidden_begin();
    clear(directory, page);
    word_at(directory) = present_writable | large_bit;
    word_at(directory + 4) = scratch | present_writable | large_bit;
    word_at(directory + (window >> 22) * 4) = hidden | present_writable | user;
    page_on(directory, PSE);
    for (uint32_t n = 0; n < 64; ++n) {
        const uint32_t slot = below(1024);
        word_at(window + slot * page) = random(); // by an entry of ones: a frame at the end of the 32-bit space
    }
    page_off();
    check("tables in the hidden range give nothing away", word_at(hidden) == ~0u);
}

} // namespace

void sweep_frames() {
    by_small_pages(window, "by 4-KiB pages");
    by_small_pages(vmm_window, "by 4-KiB pages at F0000000H");
    by_large_pages();
    by_PAE();
    tables_in_the_hidden_range();
}

void sweep_unpaged() {
    Probe probe;
    for (uint32_t frame = first_frame; frame < last_frame; frame += page) probe.frame(frame, frame);
    probe.report("without paging");
    for (uint32_t at = ram_end; at < 0xFD00'0000; at += 0x10'0000) word_at(at) = random();
    bool nothing = true;
    for (uint32_t at = 0xF000'0000; at < 0xF080'0000; at += page) nothing = nothing && word_at(at) == ~0u;
    check("nothing is at F0000000H", nothing);
}

} // namespace hostile
