// Code that changes: the processor must run what memory holds, however it was written and whoever translates or caches.
// SDM volume 3, section 11.6: since the Pentium a store is seen by the next instruction that is fetched after a jump,
// and, on P6 and later, even by the one right behind it.
#include "harness.hpp"

using namespace conformance;

namespace {

alignas(4096) uint8_t page[2 * 4096]; // two pages side by side
uint8_t* const second_page = page + 4096;
uint32_t length;

// A tiny assembler: bytes to the page, from `at`.
void begin(uint32_t at = 0) { length = at; }
template <typename... Bytes> uint32_t emit(Bytes... bytes) {
    const uint32_t where = length;
    ((page[length++] = static_cast<uint8_t>(bytes)), ...);
    return where;
}
void emit32(uint32_t value) { emit(value, value >> 8, value >> 16, value >> 24); }
uint32_t at(uint32_t offset) { return address(page) + offset; }

Registers run_from(uint32_t offset, uint32_t ring = 3) {
    Registers r = in_ring(ring, nullptr);
    r.eip = at(offset);
    return r;
}

void next_instruction() {
    // MOV byte [imm of the next], 2; MOV EAX, 1; INT 40H
    begin();
    emit(0xc6, 0x05);
    emit32(at(8));
    emit(2);
    emit(0xb8);
    emit32(1);
    emit(0xcd, 0x40);
    check_equal("a store to the next instruction is seen by it", enter(run_from(0)).now.eax, 2);
    page[8] = 1;
    check_equal("again, after it has run once", enter(run_from(0)).now.eax, 2);
}

void loop_that_patches_itself() {
    // 1: ADD EAX, imm32; INC dword [imm]; DEC ECX; JNZ 1; INT 40H: the sum of 1..n
    begin(0x100);
    const uint32_t top = emit(0x05);
    emit32(1);
    emit(0xff, 0x05);
    emit32(at(top + 1));
    emit(0x49);
    emit(0x75, top - (length + 2));
    emit(0xcd, 0x40);
    Registers r = run_from(top);
    r.ecx = 100;
    check_equal("a loop that patches its own immediate", enter(r).now.eax, 5050);
}

void opcode_patched() {
    // A store turns the INC EAX behind it into DEC EAX.
    begin(0x200);
    emit(0xc6, 0x05);
    emit32(at(0x200 + 7));
    emit(0x48);
    emit(0x40);
    emit(0xcd, 0x40);
    check_equal("an opcode patched right before it runs", enter(run_from(0x200)).now.eax, 0xffffffff);
}

void earlier_code() {
    // CALL function; patch the function; CALL it again; INT 40H. The function: MOV EAX, imm; ADD EBX, EAX; RET
    begin(0x300);
    emit(0xb8);
    emit32(5);
    emit(0x01, 0xc3, 0xc3);
    const uint32_t caller = emit(0xe8);
    emit32(0x300 - (caller + 5));
    emit(0xc7, 0x05);
    emit32(at(0x301));
    emit32(7);
    const uint32_t again = emit(0xe8);
    emit32(0x300 - (again + 5));
    emit(0xcd, 0x40);
    check_equal("a function patched between two calls", enter(run_from(caller)).now.ebx, 12);
}

void by_other_stores() {
    struct {
        const char* name;
        uint8_t code[12];
        uint32_t size;
    } const writers[] = {
        {"by REP STOSB", {0xf3, 0xaa}, 2},     {"by MOVSB", {0xa4}, 1},
        {"by XCHG", {0x86, 0x07}, 2},          {"by LOCK OR", {0xf0, 0x08, 0x07}, 3},
        {"by CMPXCHG", {0x0f, 0xb0, 0x17}, 3}, {"by XADD", {0x0f, 0xc0, 0x17}, 3},
        {"by SETZ", {0x0f, 0x94, 0x07}, 3},    {"by FISTP of 16 bits", {0xdf, 0x1f}, 2},
    };
    // The writer changes the low byte of the immediate that follows; EDI points at it.
    for (const auto& writer : writers) {
        begin(0x400);
        for (uint32_t i = 0; i < writer.size; ++i) emit(writer.code[i]);
        emit(0xb8);
        const uint32_t immediate = length;
        emit32(0);
        emit(0xcd, 0x40);
        Registers r = run_from(0x400);
        r.edi = at(immediate);
        r.ecx = 1;
        r.eax = 0;
        r.edx = 1;
        static uint8_t one = 1;
        r.esi = address(&one);
        if (writer.code[0] == 0xf3 || writer.code[0] == 0x86 || writer.code[1] == 0x08) r.eax = 1;
        if (writer.code[1] == 0x94) r.eflags |= ZF;
        asm volatile("fninit; fld1");
        check_equal(writer.name, enter(r).now.eax, 1);
    }
    asm volatile("fninit");
    // PUSH over the code behind it: ESP stands right behind the immediate.
    begin(0x480);
    emit(0x52, 0xb8); // PUSH EDX; MOV EAX, imm32
    emit32(0);
    emit(0xcd, 0x40);
    Registers r = run_from(0x480);
    r.esp = at(0x486);
    r.edx = 0x1234567;
    check_equal("by PUSH", enter(r).now.eax, 0x1234567);
}

void page_edges() {
    // An instruction over two pages, its second half patched.
    begin(0xffd);
    page[0xffd] = 0xb8;
    page[0xffe] = 0x11;
    page[0xfff] = 0x22;
    second_page[0] = 0x33;
    second_page[1] = 0x44;
    second_page[2] = 0xcd;
    second_page[3] = 0x40;
    check_equal("code over two pages", enter(run_from(0xffd)).now.eax, 0x44332211);
    second_page[0] = 0x77;
    check_equal("its second half patched", enter(run_from(0xffd)).now.eax, 0x44772211);
    page[0xffe] = 0x99;
    check_equal("its first half patched", enter(run_from(0xffd)).now.eax, 0x44772299);
    // A dword store over the edge, too.
    auto* both = reinterpret_cast<volatile uint32_t*>(page + 0xffe);
    *both = 0x01020304;
    check_equal("both halves by one store", enter(run_from(0xffd)).now.eax, 0x01020304);
}

void modes() {
    // The same bytes as 32-bit and as 16-bit code: B8 imm32 / B8 imm16 and what follows.
    begin(0x500);
    emit(0xb8, 0x01, 0x00, 0x40, 0x40, 0xcd, 0x40); // MOV EAX, 40400001 / MOV AX, 1; INC AX; INC AX
    check_equal("bytes as 32-bit code", enter(run_from(0x500)).now.eax, 0x40400001);
    gdt[first_free_slot] = descriptor(address(page), 0xffff, present | code_readable | dpl(3), bits16);
    Registers r = run_from(0x500);
    r.cs = slot_selector(first_free_slot, 3);
    r.eip = 0x500;
    check_equal("the same bytes as 16-bit code", enter(r).now.eax & 0xffff, 3);
    check_equal("and as 32-bit code once more", enter(run_from(0x500)).now.eax, 0x40400001);
    // The same code in ring 0 and ring 3: CLI faults in one of them.
    begin(0x520);
    emit(0xfa, 0xcd, 0x40);
    check("CLI in ring 0", enter(run_from(0x520, 0)).vector == vector::done);
    check("the same CLI in ring 3", enter(run_from(0x520, 3)).vector == vector::GP);
}

alignas(4096) uint32_t directory[1024];
alignas(4096) uint32_t low[1024], window_table[1024];
constexpr uint32_t window = 0x40000000;

void by_aliases() {
    constexpr uint32_t all = 7;
    for (uint32_t i = 0; i < 1024; ++i) low[i] = i * 4096 | all;
    window_table[0] = address(page) | all;
    window_table[1] = address(second_page) | all;
    directory[0] = address(low) | all;
    directory[window >> 22] = address(window_table) | all;
    set_cr3(address(directory));
    set_cr0(cr0() | 0x80000000);

    // Runs at its own address, stores through the window.
    begin(0x600);
    emit(0xc6, 0x05);
    emit32(window + 0x608);
    emit(9, 0xb8);
    emit32(1);
    emit(0xcd, 0x40);
    check_equal("a store by another linear address is seen at once", enter(run_from(0x600)).now.eax, 9);

    begin(0x640);
    emit(0xb8);
    emit32(1);
    emit(0xcd, 0x40);
    Registers r = run_from(0x640);
    r.eip = window + 0x640;
    check_equal("code by the window", enter(r).now.eax, 1);
    page[0x641] = 2;
    check_equal("patched by the other address", enter(r).now.eax, 2);

    // The same linear address, another frame.
    for (uint32_t i = 0; i < 8; ++i) second_page[0x640 + i] = page[0x640 + i];
    second_page[0x641] = 3;
    window_table[0] = address(second_page) | all;
    asm volatile("invlpg (%0)" : : "r"(window) : "memory");
    check_equal("the window shows another frame", enter(r).now.eax, 3);
    window_table[0] = address(page) | all;
    set_cr3(address(directory));
    check_equal("and the first again, by MOV CR3", enter(r).now.eax, 2);

    set_cr0(cr0() & 0x7fffffff);
}

void big_copies() {
    // REP MOVSD copies a function over another that has run.
    begin(0x700);
    emit(0xb8);
    emit32(1);
    emit(0xcd, 0x40, 0x90);
    begin(0x720);
    emit(0xb8);
    emit32(2);
    emit(0xcd, 0x40, 0x90);
    check_equal("before", enter(run_from(0x700)).now.eax, 1);
    begin(0x740);
    emit(0xf3, 0xa5); // REP MOVSD
    emit(0xe9);
    emit32(0x700 - (length + 4)); // JMP 700
    Registers r = run_from(0x740);
    r.esi = at(0x720);
    r.edi = at(0x700);
    r.ecx = 2;
    check_equal("a function replaced by REP MOVSD", enter(r).now.eax, 2);
    // REP STOSB over the code that does it: it finishes, then what it wrote runs.
    begin(0x780);
    emit(0xf3, 0xaa);
    for (int i = 0; i < 16; ++i) emit(0x90);
    emit(0xcd, 0x40);
    r = run_from(0x780);
    r.edi = at(0x782);
    r.ecx = 16;
    r.eax = 0x42; // INC EDX
    check_equal("REP STOSB over what follows it", enter(r).now.edx, 16);
}

} // namespace

void conformance_tests() {
    next_instruction();
    loop_that_patches_itself();
    opcode_patched();
    earlier_code();
    by_other_stores();
    page_edges();
    modes();
    by_aliases();
    big_copies();
}
