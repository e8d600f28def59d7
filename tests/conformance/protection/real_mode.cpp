// Real mode: the way there and back, its interrupts and faults, its limits, and segments that keep protected mode's
// limits
// ("unreal mode"). SDM volume 3, chapters 9.9 and 20.1.
//
// The harness lives above 1 MiB in protected mode, so a piece of 16-bit code (`road` below) is copied to 8000H: it goes
// down to real mode, loads the state under test, and comes up again when one of its interrupt handlers is reached. The
// interrupt table at 0 is put back afterwards.
#include "harness.hpp"

using namespace conformance;

namespace {

struct State {
    uint32_t eax, ebx, ecx, edx, esi, edi, ebp, esp;
    uint16_t ip, cs, flags, ss, ds, es, fs, gs;
};
struct [[gnu::packed]] TablePointer {
    uint16_t limit;
    uint32_t base;
};
// At 9000H, known to the assembler code by these offsets.
struct Mailbox {
    State from;         // 9000
    State now;          // 9030
    uint32_t vector;    // 9060
    uint32_t now_flags; // 9064
    TablePointer idt;   // 9068, for real mode
    uint16_t padding;
    TablePointer own_gdt; // 9070
    uint16_t padding2;
    TablePointer own_idt; // 9078
};
static_assert(sizeof(State) == 48 && __builtin_offsetof(Mailbox, own_idt) == 0x78);

extern "C" {
extern const uint8_t road[], road_end[];
void real_mode_run(); // uses the mailbox
}

asm(R"(
        .text
        .globl  real_mode_run
real_mode_run:
        pusha
        mov     %esp, 1f
        ljmp    $0x50, $0x8000                  # slot 10: 16-bit code with base 0
        .globl  real_mode_back
real_mode_back:
        mov     $0x10, %eax
        mov     %eax, %ds
        mov     %eax, %es
        mov     %eax, %fs
        mov     %eax, %gs
        mov     %eax, %ss
        mov     1f, %esp
        lidt    0x9078
        popa
        ret
        .bss
1:      .skip   4
        .text

        .code16
        .globl  road, road_end
road:   mov     $0x58, %ax                      # slot 11: data with base 0 and limit FFFF
        mov     %ax, %ds
        mov     %ax, %es
        mov     %ax, %ss
        mov     %ax, %gs
        mov     $0x60, %ax                      # slot 12: what FS is to keep
        mov     %ax, %fs
        mov     %cr0, %eax
        and     $0xfe, %al
        mov     %eax, %cr0
        ljmp    $0, $(2f - road + 0x8000)
2:      xor     %ax, %ax
        mov     %ax, %ds
        lidtl   0x9068
        mov     0x9026, %ss
        mov     0x901c, %esp
        pushw   0x9024                          # FLAGS, CS, IP for IRET
        pushw   0x9022
        pushw   0x9020
        mov     0x902a, %es
        mov     0x902c, %fs
        mov     0x902e, %gs
        mov     0x9000, %eax
        mov     0x9004, %ebx
        mov     0x9008, %ecx
        mov     0x900c, %edx
        mov     0x9010, %esi
        mov     0x9014, %edi
        mov     0x9018, %ebp
        mov     0x9028, %ds
        iretw

common: push    %ds
        push    %eax
        xor     %ax, %ax
        mov     %ax, %ds
        popl    0x9030
        popw    0x9058
        popw    0x9060
        mov     %esp, 0x904c
        pushfl
        popl    0x9064
        mov     %ebx, 0x9034
        mov     %ecx, 0x9038
        mov     %edx, 0x903c
        mov     %esi, 0x9040
        mov     %edi, 0x9044
        mov     %ebp, 0x9048
        mov     %ss, 0x9056
        mov     %es, 0x905a
        mov     %fs, 0x905c
        mov     %gs, 0x905e
        cli
        lgdtl   0x9070
        mov     %cr0, %eax
        or      $1, %al
        mov     %eax, %cr0
        ljmpl   $8, $real_mode_back
        .balign 8
stubs:
        .set    i, 0
        .rept   128
        .balign 8
        pushw   $i
        jmp     common
        .set    i, i + 1
        .endr
road_end:
        .globl  road_stubs
        .set    road_stubs, stubs - road
        .code32
)");
extern "C" const uint8_t road_stubs[]; // an offset, not an address

constexpr uint32_t code_segment = 0x5000, stack_segment = 0x6000, data_segment = 0x7000;

template <typename T> T& low_memory(uint32_t linear) {
    asm("" : "+r"(linear)); // GCC takes a constant address near 0 for a null pointer
    return *reinterpret_cast<T*>(linear);
}
Mailbox& mailbox() { return low_memory<Mailbox>(0x9000); }
uint8_t& byte_at(uint32_t linear) { return low_memory<uint8_t>(linear); }
uint16_t& half_at(uint32_t linear) { return low_memory<uint16_t>(linear); }

uint32_t bios_table[256];

void start() {
    for (uint32_t i = 0; i < 256; ++i) bios_table[i] = low_memory<uint32_t>(i * 4);
    for (uint32_t i = 0; road + i < road_end; ++i) byte_at(0x8000 + i) = road[i];
    for (uint32_t i = 0; i < 128; ++i) {
        half_at(i * 4) = static_cast<uint16_t>(0x8000 + address(road_stubs) + i * 8);
        half_at(i * 4 + 2) = 0;
    }
    gdt[10] = descriptor(0, 0xffff, present | code_readable, bits16);
    gdt[11] = descriptor(0, 0xffff, present | data_writable, bits16);
    gdt[12] = gdt[11];
    mailbox().own_gdt = {sizeof gdt - 1, address(gdt)};
    mailbox().own_idt = {sizeof idt - 1, address(idt)};
    mailbox().idt = {0x3ff, 0};
}

void stop() {
    for (uint32_t i = 0; i < 256; ++i) low_memory<uint32_t>(i * 4) = bios_table[i];
}

// Code of up to 16 bytes at 5000:0, INT 40H behind it.
template <typename... Bytes> State& with_code(Bytes... bytes) {
    uint32_t place = code_segment * 16;
    ((byte_at(place++) = static_cast<uint8_t>(bytes)), ...);
    byte_at(place) = 0xcd;
    byte_at(place + 1) = 0x40;
    State& state = mailbox().from;
    state = {};
    state.cs = code_segment;
    state.ss = stack_segment;
    state.ds = data_segment;
    state.esp = 0x1000;
    state.flags = always;
    return state;
}

const State& run() {
    mailbox().vector = 0;
    real_mode_run();
    return mailbox().now;
}

// An interrupt in real mode pushes FLAGS, CS, IP and nothing else, whatever it is.
void expect_interrupt(const char* name, uint32_t vector, uint32_t ip) {
    const uint16_t sp = static_cast<uint16_t>(mailbox().from.esp);
    const State& now = run();
    const uint32_t frame = mailbox().from.ss * 16 + ((sp - 6) & 0xffff);
    check_equal(name, mailbox().vector, vector);
    check("3 words, IP and CS",
          ((now.esp ^ (sp - 6)) & 0xffff) == 0 && half_at(frame) == ip && half_at(frame + 2) == mailbox().from.cs);
}

void interrupts() {
    with_code(0xcd, 0x60).flags = always | IF;
    expect_interrupt("INT 60H", 0x60, 2);
    check_equal("FLAGS are pushed as they were", half_at(stack_segment * 16 + 0xffe) & ~status_flags, always | IF);
    check("IF and TF are clear in the handler", !(mailbox().now_flags & (IF | TF)));
    with_code(0xcc);
    expect_interrupt("INT3", 3, 1);
    with_code(0xce).flags = always | OF;
    expect_interrupt("INTO", 4, 1);
    with_code(0xf7, 0xf1);
    expect_interrupt("DIV by 0: at the instruction, no error code", 0, 0);
    State& s = with_code(0x62, 0x07); // BOUND AX, [BX]
    s.eax = 9;
    half_at(data_segment * 16) = 1;
    half_at(data_segment * 16 + 2) = 8;
    expect_interrupt("BOUND", 5, 0);
    with_code(0x0f, 0x0b);
    expect_interrupt("UD2", 6, 0);
    with_code(0x90).flags = always | TF;
    expect_interrupt("TF: a trap after one instruction", 1, 1);
    mailbox().idt.limit = 0x60 * 4 - 1;
    with_code(0xcd, 0x60);
    expect_interrupt("INT beyond the IDT's limit: 13", 13, 0);
    mailbox().idt.limit = 0x3ff;
    for (uint32_t i = 0; i < 128 * 4; ++i) byte_at(0xa000 + i) = byte_at(i);
    mailbox().idt.base = 0xa000;
    half_at(0x60 * 4) = 0;
    with_code(0xcd, 0x60);
    expect_interrupt("the table is where LIDT says", 0x60, 2);
    mailbox().idt.base = 0;
    half_at(0x60 * 4) = half_at(0xa000 + 0x60 * 4);
}

void limits() {
    with_code(0x8b, 0x07).ebx = 0xffff; // MOV AX, [BX]
    expect_interrupt("a word at FFFFH: 13", 13, 0);
    with_code(0x8b, 0x46, 0x00).ebp = 0xffff; // MOV AX, [BP+0]
    expect_interrupt("a word at SS:FFFFH: 12", 12, 0);
    with_code(0x67, 0x8b, 0x03).ebx = 0x10000; // MOV AX, [EBX]
    expect_interrupt("a 32-bit address beyond 64 KiB: 13", 13, 0);
    with_code(0x66, 0x8b, 0x07).ebx = 0xfffd; // MOV EAX, [BX]
    expect_interrupt("a dword over FFFFH: 13", 13, 0);
    byte_at(code_segment * 16 + 0xffff) = 0xb0;
    with_code().ip = 0xffff;
    expect_interrupt("code over FFFFH: 13", 13, 0xffff);
    State& s = with_code(0x50); // PUSH AX
    s.esp = 0xabcd0000;
    s.eax = 0x4711;
    run();
    check("PUSH with SP=0 wraps to FFFEH",
          mailbox().vector == vector::done && half_at(stack_segment * 16 + 0xfffe) == 0x4711);
    check_equal("and leaves the upper half of ESP", mailbox().now.esp >> 16, 0xabcd);
    State& r = with_code(0xf3, 0xa4); // REP MOVSB
    r.ecx = 2;
    r.esi = 0xffff;
    r.edi = 0x10;
    r.es = data_segment;
    byte_at(data_segment * 16 + 0xffff) = 0x12;
    byte_at(data_segment * 16) = 0x34;
    run();
    check("REP MOVSB wraps SI", half_at(data_segment * 16 + 0x10) == 0x3412 && (mailbox().now.esi & 0xffff) == 1);
    with_code(0x8a, 0x07).ds = 0xffff; // MOV AL, [BX]
    mailbox().from.ebx = 0x10;
    run();
    check_equal("FFFF:0010 is 100000H with A20 on", mailbox().now.eax & 0xff,
                *reinterpret_cast<const uint8_t*>(0x100000));
}

void not_recognised() {
    struct {
        const char* name;
        uint8_t code[3];
    } const list[] = {{"LLDT: 6", {0x0f, 0x00, 0xd0}}, {"LTR: 6", {0x0f, 0x00, 0xd8}},  {"SLDT: 6", {0x0f, 0x00, 0xc0}},
                      {"STR: 6", {0x0f, 0x00, 0xc8}},  {"VERR: 6", {0x0f, 0x00, 0xe0}}, {"LAR: 6", {0x0f, 0x02, 0xc0}},
                      {"LSL: 6", {0x0f, 0x03, 0xc0}},  {"ARPL: 6", {0x63, 0xc0, 0x90}}};
    for (const auto& item : list) {
        with_code(item.code[0], item.code[1], item.code[2]);
        expect_interrupt(item.name, 6, 0);
    }
}

void privileged_is_allowed() {
    with_code(0x0f, 0x20, 0xc0); // MOV EAX, CR0
    run();
    check("MOV EAX, CR0: PE=0", mailbox().vector == vector::done && !(mailbox().now.eax & 1));
    with_code(0x0f, 0x01, 0xe0); // SMSW AX
    run();
    check("SMSW: PE=0", !(mailbox().now.eax & 1));
    with_code(0xfb, 0xfa); // STI, CLI
    run();
    check("STI, CLI", mailbox().vector == vector::done);
    State& s = with_code(0x9d); // POPF
    s.esp -= 2;
    half_at(stack_segment * 16 + 0xffe) = always | IOPL3 | NT | DF;
    run();
    check_equal("POPF changes IOPL and NT", half_at(stack_segment * 16 + 0xffe) & ~status_flags,
                always | IOPL3 | NT | DF);
}

void unreal() {
    // FS has been loaded with 4 GiB in protected mode: real mode keeps the limit, and a load changes the base alone.
    gdt[12] = descriptor(0, 0xfffff, present | data_writable, bits32 | pages);
    static uint32_t high = 0x5eed1234;
    State& s = with_code(0x64, 0x67, 0x66, 0x8b, 0x03); // MOV EAX, FS:[EBX]
    s.ebx = address(&high) - 0x12340;
    s.fs = 0x1234;
    run();
    check("a 4 GiB limit from protected mode stays",
          mailbox().vector == vector::done && mailbox().now.eax == 0x5eed1234);
    gdt[12] = gdt[11];
    s = with_code(0x64, 0x67, 0x66, 0x8b, 0x03);
    s.ebx = address(&high);
    expect_interrupt("with a limit of FFFFH it faults: 13", 13, 0);
}

} // namespace

void conformance_tests() {
    start();
    interrupts();
    limits();
    not_recognised();
    privileged_is_allowed();
    unreal();
    stop();
}
