// Paging: 4 KiB and 4 MiB pages, PAE, rights, accessed and dirty bits, error codes, and what a fault must leave alone.
// SDM volume 3, chapter 4.
#include "harness.hpp"

using namespace conformance;

namespace {

[[gnu::naked]] void nothing() { asm("int $0x40"); }
[[gnu::naked]] void read_ebx() { asm("mov (%ebx), %eax; int $0x40"); }
[[gnu::naked]] void write_ebx() { asm("mov %eax, (%ebx); int $0x40"); }
[[gnu::naked]] void add_ebx() { asm("add %eax, (%ebx); int $0x40"); }
[[gnu::naked]] void cmp_ebx() { asm("cmp %eax, (%ebx); int $0x40"); }
[[gnu::naked]] void bt_ebx() { asm("bt %eax, (%ebx); int $0x40"); }
[[gnu::naked]] void bts_ebx() { asm("bts %eax, (%ebx); int $0x40"); }
[[gnu::naked]] void cmpxchg() { asm("cmpxchg %ecx, (%ebx); int $0x40"); }
[[gnu::naked]] void cmpxchg8b() { asm("cmpxchg8b (%ebx); int $0x40"); }
[[gnu::naked]] void setc() { asm("setc (%ebx); int $0x40"); }
[[gnu::naked]] void xchg() { asm("xchg %eax, (%ebx); int $0x40"); }
[[gnu::naked]] void push_eax() { asm("push %eax; int $0x40"); }
[[gnu::naked]] void pusha() { asm("pusha; int $0x40"); }
[[gnu::naked]] void pop_ebx() { asm("popl (%ebx); int $0x40"); }
[[gnu::naked]] void push_mem() { asm("pushl (%ebx); int $0x40"); }
[[gnu::naked]] void enter_frame() { asm("enter $16, $2; int $0x40"); }
[[gnu::naked]] void leave() { asm("leave; int $0x40"); }
[[gnu::naked]] void call_near() { asm("call *%eax; int $0x40"); }
[[gnu::naked]] void rep_movsb() { asm("rep movsb; int $0x40"); }
[[gnu::naked]] void rep_stosl() { asm("rep stosl; int $0x40"); }
[[gnu::naked]] void movsl() { asm("movsl; int $0x40"); }
[[gnu::naked]] void fistp() { asm("fistpll (%ebx); int $0x40"); }
[[gnu::naked]] void load_ds() { asm("mov %ax, %ds; int $0x40"); }
[[gnu::naked]] void mov_cr3() { asm("mov %eax, %cr3; int $0x40"); }

enum Bit : uint32_t { P = 1, W = 2, U = 4, A = 0x20, D = 0x40, PS = 0x80, G = 0x100 };
enum Error : uint32_t { error_P = 1, error_W = 2, error_U = 4, error_RSVD = 8, error_ID = 16 };
constexpr uint32_t PG = 0x80000000, WP = 0x10000, PSE = 0x10, PAE = 0x20, PGE = 0x80;

constexpr uint32_t window = 0x40000000; // linear: eight pages for the tests, from `table`
constexpr uint32_t page = 4096;

struct alignas(4096) Table {
    uint32_t entry[1024];
};
Table directory, low, table;
uint8_t frames[8][page] __attribute__((aligned(4096)));

uint32_t& directory_entry() { return directory.entry[window >> 22]; }
uint32_t frame(uint32_t index) { return address(frames[index]); }
uint32_t& word(uint32_t index, uint32_t offset) { return *reinterpret_cast<uint32_t*>(frames[index] + offset); }
void forget(uint32_t linear) { asm volatile("invlpg (%0)" : : "r"(linear) : "memory"); }
void forget_all() { set_cr3(address(&directory)); }

void map(uint32_t index, uint32_t bits) {
    table.entry[index] = frame(index) | bits;
    forget(window + index * page);
}

Registers at(uint32_t ring, Code code, uint32_t linear, uint32_t eax = 0) {
    Registers r = in_ring(ring, code);
    r.ebx = linear;
    r.eax = eax;
    return r;
}

void expect_page_fault(const char* name, const char* cr2_name, const Registers& r, uint32_t error, uint32_t where) {
    expect_fault(name, r, vector::PF, error);
    check_equal(cr2_name, cr2(), where);
}

void start() {
    for (uint32_t i = 0; i < 1024; ++i) low.entry[i] = i * page | U | W | P;
    directory.entry[0] = address(&low) | U | W | P;
    directory_entry() = address(&table) | U | W | P;
    forget_all();
    set_cr0(cr0() | PG);
}

void absent_pages() {
    map(0, 0);
    expect_page_fault("read, ring 0, absent: error 0", "CR2", at(0, read_ebx, window + 8), 0, window + 8);
    expect_page_fault("write, ring 0, absent: error 2", "CR2", at(0, write_ebx, window + 8), error_W, window + 8);
    expect_page_fault("read, ring 3, absent: error 4", "CR2", at(3, read_ebx, window + 12), error_U, window + 12);
    expect_page_fault("write, ring 3, absent: error 6", "CR2", at(3, write_ebx, window + 12), error_W | error_U,
                      window + 12);
    directory_entry() = 0;
    forget_all();
    expect_page_fault("read, ring 3, page table absent: error 4", "CR2", at(3, read_ebx, window), error_U, window);
    directory_entry() = address(&table) | U | W | P;
    forget_all();
    Registers r = in_ring(3, nothing);
    r.eip = window + 0x123;
    expect_page_fault("fetch, ring 3, absent: error 4", "CR2 is EIP", r, error_U, window + 0x123);
}

void rights() {
    map(0, W | P);
    expect_page_fault("read, ring 3, supervisor page: error 5", "CR2", at(3, read_ebx, window), error_P | error_U,
                      window);
    expect_page_fault("write, ring 3, supervisor page: error 7", "CR2", at(3, write_ebx, window),
                      error_P | error_W | error_U, window);
    expect_done("read, ring 2, supervisor page", at(2, read_ebx, window));
    map(0, U | P);
    expect_done("read, ring 3, read-only page", at(3, read_ebx, window));
    expect_page_fault("write, ring 3, read-only page: error 7", "CR2", at(3, write_ebx, window + 4),
                      error_P | error_W | error_U, window + 4);
    expect_done("write, ring 0, read-only page, WP=0", at(0, write_ebx, window));
    set_cr0(cr0() | WP);
    expect_page_fault("write, ring 0, read-only page, WP=1: error 3", "CR2", at(0, write_ebx, window),
                      error_P | error_W, window);
    map(0, W | P);
    expect_done("write, ring 0, supervisor page, WP=1", at(0, write_ebx, window));
    set_cr0(cr0() & ~WP);

    map(0, U | W | P);
    directory_entry() = address(&table) | W | P;
    forget_all();
    expect_page_fault("U of the directory counts: error 5", "CR2", at(3, read_ebx, window), error_P | error_U, window);
    directory_entry() = address(&table) | U | P;
    forget_all();
    expect_page_fault("W of the directory counts: error 7", "CR2", at(3, write_ebx, window),
                      error_P | error_W | error_U, window);
    expect_done("a read passes", at(3, read_ebx, window));
    directory_entry() = address(&table) | U | W | P;
    forget_all();
    Registers r = in_ring(3, nothing);
    map(0, W | P);
    r.eip = window;
    expect_page_fault("fetch, ring 3, supervisor page: error 5", "CR2", r, error_P | error_U, window);
}

void accessed_and_dirty() {
    directory_entry() &= ~(A | D);
    map(0, U | W | P);
    forget_all();
    enter(at(3, read_ebx, window));
    check("a read sets A in directory and table", (directory_entry() & A) && (table.entry[0] & A));
    check("a read does not set D", !(table.entry[0] & D));
    enter(at(3, write_ebx, window));
    check("a write after a read sets D", table.entry[0] & D);
    check("D is not set in the directory", !(directory_entry() & D));
    map(0, U | W | P);
    enter(at(3, cmp_ebx, window));
    check("CMP does not set D", !(table.entry[0] & D));
    enter(at(3, add_ebx, window));
    check("ADD sets D", table.entry[0] & D);
    map(0, W | P);
    enter(at(3, write_ebx, window));
    check("a refused access sets neither A nor D", !(table.entry[0] & (A | D)));
    map(0, U | W | P);
    enter(at(3, cmpxchg, window, word(0, 0) + 1));
    check("CMPXCHG that does not exchange writes all the same: D", table.entry[0] & D);
}

void writers_need_writable() {
    struct {
        const char* name;
        Code code;
    } const writers[] = {
        {"ADD to a read-only page: error 7", add_ebx},     {"BTS to a read-only page: error 7", bts_ebx},
        {"CMPXCHG to a read-only page: error 7", cmpxchg}, {"CMPXCHG8B to a read-only page: error 7", cmpxchg8b},
        {"SETC to a read-only page: error 7", setc},       {"XCHG to a read-only page: error 7", xchg},
        {"POP to a read-only page: error 7", pop_ebx},     {"FISTP to a read-only page: error 7", fistp}};
    map(0, U | P);
    word(0, 0x40) = 0x1234;
    for (const auto& writer : writers) {
        asm volatile("fninit; fldz");
        const Registers r = at(3, writer.code, window + 0x40, 0x55);
        const Event event = expect_fault(writer.name, r, vector::PF, error_P | error_W | error_U);
        check("and nothing changed", event.now.eax == 0x55 && word(0, 0x40) == 0x1234);
    }
    asm volatile("fninit");
    expect_done("BT of a read-only page", at(3, bt_ebx, window + 0x40, 3));
    expect_done("CMP of a read-only page", at(3, cmp_ebx, window + 0x40));
}

void across_pages() {
    map(0, U | W | P);
    map(1, 0);
    word(0, 0xffc) = 0xaaaaaaaa;
    expect_page_fault("a read over the edge: error 4", "CR2 is in the second page", at(3, read_ebx, window + 0xffe),
                      error_U, window + page);
    expect_page_fault("a write over the edge: error 6", "CR2 is in the second page", at(3, write_ebx, window + 0xffd),
                      error_W | error_U, window + page);
    check_equal("and the first page is not written", word(0, 0xffc), 0xaaaaaaaa);
    map(0, 0);
    map(1, U | W | P);
    expect_page_fault("the first page is asked first", "CR2 is the address", at(3, read_ebx, window + 0xffe), error_U,
                      window + 0xffe);
    map(0, U | W | P);
    table.entry[1] = frame(5) | U | W | P; // not beside it in physical memory
    forget(window + page);
    word(5, 0) = 0;
    enter(at(3, write_ebx, window + 0xffe, 0x11223344));
    check("a write over the edge goes to both frames", word(0, 0xffc) == 0x3344aaaa && word(5, 0) == 0x1122);
    const Event event = enter(at(3, read_ebx, window + 0xffe));
    check_equal("a read over the edge", event.now.eax, 0x11223344);
    // Code: MOV EAX, imm32 over the edge, then INT 40H.
    frames[0][0xffd] = 0xb8;
    frames[0][0xffe] = 0x78;
    frames[0][0xfff] = 0x56;
    frames[5][0] = 0x34;
    frames[5][1] = 0x12;
    frames[5][2] = 0xcd;
    frames[5][3] = 0x40;
    Registers r = in_ring(3, nothing);
    r.eip = window + 0xffd;
    check_equal("an instruction over the edge", enter(r).now.eax, 0x12345678);
    map(1, 0);
    expect_page_fault("its second page absent: error 4, EIP at its begin", "CR2 is in the second page", r, error_U,
                      window + page);
}

void faults_leave_registers() {
    map(0, 0);
    map(1, U | W | P);
    Registers r = in_ring(3, push_eax);
    r.esp = window + page;
    expect_page_fault("PUSH to an absent page leaves ESP", "CR2", r, error_W | error_U, window + page - 4);
    r.eip = address(pusha);
    r.esp = window + page + 16;
    word(1, 12) = 0x5555;
    expect_fault("PUSHA half absent leaves ESP", r, vector::PF, error_W | error_U);
    check_equal("CR2 is in the absent page", cr2() >> 12, window >> 12); // which of its words is not specified
    r.eip = address(call_near);
    r.esp = window + page;
    expect_page_fault("CALL with an absent stack leaves EIP and ESP", "CR2", r, error_W | error_U, window + page - 4);
    r.eip = address(enter_frame);
    r.esp = window + page;
    r.ebp = window + page + 64;
    Event event = expect_fault("ENTER with an absent stack leaves ESP", r, vector::PF, error_W | error_U);
    check_equal("and EBP", event.now.ebp, r.ebp);
    r.eip = address(leave);
    r.esp = stack_top(3);
    r.ebp = window + 0x10;
    event = expect_fault("LEAVE to an absent page leaves ESP", r, vector::PF, error_U);
    check_equal("and EBP", event.now.ebp, r.ebp);
    r = at(3, pop_ebx, window);
    expect_page_fault("POP to an absent page leaves ESP", "CR2", r, error_W | error_U, window);
    r = at(3, push_mem, window);
    expect_page_fault("PUSH of an absent page leaves ESP", "CR2", r, error_U, window);

    // REP: what is done stays done, the registers say how far, EIP is at the instruction.
    map(0, U | W | P);
    map(1, 0);
    map(2, U | W | P);
    r = in_ring(3, rep_movsb);
    r.esi = window + page - 3;
    r.edi = window + 2 * page;
    r.ecx = 8;
    frames[0][page - 1] = 0x99;
    event = expect_fault("REP MOVSB into an absent source: #PF", r, vector::PF, error_U);
    check("3 of 8 are done",
          event.now.ecx == 5 && event.now.esi == window + page && event.now.edi == window + 2 * page + 3);
    check("and written", frames[2][2] == 0x99);
    r = in_ring(3, rep_stosl);
    r.edi = window + page - 8;
    r.ecx = 5;
    event = expect_fault("REP STOSD into an absent page: #PF", r, vector::PF, error_W | error_U);
    check("2 of 5 are done", event.now.ecx == 3 && event.now.edi == window + page);
    r = in_ring(3, movsl);
    r.esi = window;
    r.edi = window + page;
    event = expect_fault("MOVSD to an absent page", r, vector::PF, error_W | error_U);
    check("leaves ESI and EDI", event.now.esi == r.esi && event.now.edi == r.edi);
}

void remapping() {
    map(0, U | W | P);
    word(0, 0) = 0x1111;
    word(3, 0) = 0x3333;
    check_equal("before", enter(at(3, read_ebx, window)).now.eax, 0x1111);
    table.entry[0] = frame(3) | U | W | P;
    forget(window);
    check_equal("after INVLPG the new frame is read", enter(at(3, read_ebx, window)).now.eax, 0x3333);
    table.entry[0] = frame(0) | U | W | P;
    forget_all();
    check_equal("after MOV CR3, too", enter(at(3, read_ebx, window)).now.eax, 0x1111);
    table.entry[0] = frame(0) | U | P;
    forget(window + 0xabc);
    expect_page_fault("INVLPG of any byte takes rights away, too", "CR2", at(3, write_ebx, window),
                      error_P | error_W | error_U, window);
    // An absent page that becomes present needs no INVLPG.
    table.entry[0] = 0;
    forget(window);
    expect_fault("absent", at(3, read_ebx, window), vector::PF, error_U);
    table.entry[0] = frame(0) | U | W | P;
    expect_done("made present", at(3, read_ebx, window));
    if (features() & has_PGE) {
        const uint32_t old = cr4();
        set_cr4(old | PGE);
        table.entry[0] = frame(0) | G | U | W | P;
        forget(window);
        enter(at(3, read_ebx, window));
        table.entry[0] = frame(3) | G | U | W | P;
        forget(window);
        check_equal("INVLPG of a global page", enter(at(3, read_ebx, window)).now.eax, 0x3333);
        table.entry[0] = frame(0) | G | U | W | P;
        set_cr4(old);
        check_equal("clearing CR4.PGE forgets global pages", enter(at(3, read_ebx, window)).now.eax, 0x1111);
    }
}

void tables_of_the_processor() {
    // The GDT by a second address, on a page that only ring 0 may read: segment loads of ring 3 still may.
    struct [[gnu::packed]] {
        uint16_t limit;
        uint32_t base;
    } const alias{sizeof gdt - 1, window + (address(gdt) & 0xfff)}, usual{sizeof gdt - 1, address(gdt)};
    auto map_gdt = [](uint32_t bits) {
        for (uint32_t i = 0; i < 2; ++i) {
            table.entry[i] = ((address(gdt) & ~0xfffu) + i * page) | bits;
            forget(window + i * page);
        }
    };
    map_gdt(W | P);
    asm volatile("lgdt %0" : : "m"(alias) : "memory");
    expect_done("MOV DS in ring 3 with the GDT on a supervisor page", at(3, load_ds, 0, data_selector(3)));
    gdt[first_free_slot] = descriptor(0, 0xfffff, present | data_writable | dpl(3), bits32 | pages);
    map_gdt(P);
    set_cr0(cr0() | WP);
    const uint32_t where = window + (address(&gdt[first_free_slot]) & 0xfff);
    expect_fault("the accessed bit on a read-only page, WP=1: error 3",
                 at(3, load_ds, 0, slot_selector(first_free_slot, 3)), vector::PF, error_P | error_W);
    check("CR2 is in the descriptor", cr2() >= where && cr2() < where + 8);
    expect_done("an accessed descriptor is not written", at(3, load_ds, 0, data_selector(3)));
    set_cr0(cr0() & ~WP);
    asm volatile("lgdt %0" : : "m"(usual) : "memory");
}

void big_pages() {
    if (!(features() & has_PSE)) {
        skip("4 MiB pages", "no PSE");
        return;
    }
    const uint32_t old = cr4();
    set_cr4(old | PSE);
    directory_entry() = 0 | PS | U | W | P; // the first 4 MiB once more
    forget_all();
    word(0, 0) = 0x600d;
    check_equal("a 4 MiB page", enter(at(3, read_ebx, window + frame(0))).now.eax, 0x600d);
    check("a read sets A, not D", (directory_entry() & (A | D)) == A);
    enter(at(3, write_ebx, window + frame(0), 0x77));
    check("a write sets D", directory_entry() & D);
    check_equal("and writes", word(0, 0), 0x77);
    directory_entry() = 0 | PS | U | P;
    forget_all();
    expect_page_fault("a read-only 4 MiB page: error 7", "CR2", at(3, write_ebx, window + 0x200000),
                      error_P | error_W | error_U, window + 0x200000);
    directory_entry() = 0 | PS | U | W | P | 1u << 21;
    forget_all();
    expect_page_fault("a reserved bit of a 4 MiB page: error 0DH", "CR2", at(3, read_ebx, window),
                      error_P | error_U | error_RSVD, window);
    set_cr4(old & ~PSE);
    directory_entry() = address(&table) | PS | U | W | P;
    map(0, U | W | P);
    forget_all();
    check_equal("without CR4.PSE the bit PS is ignored", enter(at(3, read_ebx, window)).now.eax, 0x77);
    directory_entry() = address(&table) | U | W | P;
    forget_all();
    set_cr4(old);
}

uint64_t pointers[4] __attribute__((aligned(32)));
uint64_t pae_low[512] __attribute__((aligned(4096)));
uint64_t pae_directory[512] __attribute__((aligned(4096)));
uint64_t pae_table[512] __attribute__((aligned(4096)));

void map_pae(uint64_t bits) {
    pae_table[0] = frame(0) | bits;
    set_cr3(address(pointers));
}

void pae_no_execute() {
    constexpr uint64_t NX = uint64_t{1} << 63;
    constexpr uint32_t EFER = 0xc0000080, NXE = 0x800;
    frames[0][0x10] = 0xcd; // INT 40H
    frames[0][0x11] = 0x40;
    Registers code = in_ring(3, nothing);
    code.eip = window + 0x10;
    if (extended_features() >> 20 & 1) {
        uint32_t low_half, high_half;
        asm volatile("rdmsr" : "=a"(low_half), "=d"(high_half) : "c"(EFER));
        asm volatile("wrmsr" : : "a"(low_half | NXE), "d"(high_half), "c"(EFER));
        map_pae(NX | U | W | P);
        expect_done("NX: a read", at(3, read_ebx, window));
        expect_page_fault("NX: a fetch: error 15H", "CR2", code, error_P | error_U | error_ID, window + 0x10);
        pae_table[0] = 0;
        set_cr3(address(pointers));
        expect_fault("NXE: a fetch of an absent page: error 14H", code, vector::PF, error_U | error_ID);
        asm volatile("wrmsr" : : "a"(low_half), "d"(high_half), "c"(EFER));
    } else {
        skip("no-execute pages", "no NX");
    }
    map_pae(NX | U | W | P);
    expect_fault("bit 63 without NXE is reserved: error 0DH", at(3, read_ebx, window), vector::PF,
                 error_P | error_U | error_RSVD);
}

void physical_address_extension() {
    if (!(features() & has_PAE)) {
        skip("PAE", "no PAE");
        return;
    }
    for (uint32_t i = 0; i < 2; ++i) pae_low[i] = i * 0x200000 | PS | U | W | P; // 2 MiB pages
    pae_directory[0] = address(pae_table) | U | W | P;
    pointers[0] = address(pae_low) | P;
    pointers[1] = address(pae_directory) | P; // 40000000H
    const uint32_t old = cr4();
    set_cr0(cr0() & ~PG);
    set_cr4(old | PAE);
    set_cr3(address(pointers));
    set_cr0(cr0() | PG);

    map_pae(U | W | P);
    word(0, 8) = 0xfeed;
    check_equal("PAE: a 4 KiB page", enter(at(3, read_ebx, window + 8)).now.eax, 0xfeed);
    check("PAE: A is set in all of it", (pae_directory[0] & A) && (pae_table[0] & A) && !(pae_table[0] & D));
    enter(at(3, write_ebx, window + 8, 0xcafe));
    check("PAE: D", pae_table[0] & D);
    check_equal("PAE: written", word(0, 8), 0xcafe);
    check("PAE: 2 MiB pages have A", pae_low[0] & A);
    map_pae(U | P);
    expect_page_fault("PAE: a write to a read-only page: error 7", "CR2", at(3, write_ebx, window),
                      error_P | error_W | error_U, window);
    map_pae(uint64_t{1} << 62 | U | W | P);
    expect_page_fault("PAE: a reserved bit: error 0DH", "CR2", at(3, read_ebx, window), error_P | error_U | error_RSVD,
                      window);
    expect_fault("PAE: third GiB absent: error 4", at(3, read_ebx, 0x80000000), vector::PF, error_U);
    pointers[2] = address(pae_directory) | P | W; // W is reserved here
    expect_fault("MOV CR3 with a reserved bit in a PDPTE: #GP(0)", at(0, mov_cr3, 0, address(pointers)), vector::GP, 0);
    pointers[2] = address(pae_directory); // absent: anything goes
    expect_done("MOV CR3 with an absent PDPTE", at(0, mov_cr3, 0, address(pointers)));
    pointers[2] = address(pae_directory) | P;
    expect_fault("a PDPTE in memory is not read until CR3 is loaded", at(3, read_ebx, 0x80000000), vector::PF, error_U);
    pae_directory[1] = 0 | PS | U | W | P;
    set_cr3(address(pointers));
    check_equal("PAE: a 2 MiB page", enter(at(3, read_ebx, 0x80200000 + frame(0) + 8)).now.eax, 0xcafe);
    pae_no_execute();
    pointers[2] = 0;

    set_cr0(cr0() & ~PG);
    set_cr4(old);
    forget_all();
    set_cr0(cr0() | PG);
}

} // namespace

void conformance_tests() {
    start();
    absent_pages();
    rights();
    accessed_and_dirty();
    writers_need_writable();
    across_pages();
    faults_leave_registers();
    remapping();
    tables_of_the_processor();
    big_pages();
    physical_address_extension();
}
