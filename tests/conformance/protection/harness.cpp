#include "harness.hpp"

extern "C" {
extern const uint32_t harness_entries[256];
void harness_enter();
extern conformance::Registers harness_from;
struct HarnessRecord {
    uint32_t vector, sp;
    conformance::Registers now;
    uint32_t tr;
};
extern HarnessRecord harness_record;
void conformance_main();
}

namespace conformance {

uint64_t gdt[gdt_slots] __attribute__((aligned(8)));
uint64_t idt[256] __attribute__((aligned(8)));
Tss32 tss __attribute__((aligned(4096)));

namespace {

constexpr uint32_t stack_size = 4096;
uint8_t test_stacks[4][stack_size] __attribute__((aligned(4096)));
uint8_t inner_stacks[3][stack_size] __attribute__((aligned(4096)));
uint32_t passed, failed, skipped;

void outb(uint16_t port, uint8_t value) { asm volatile("outb %0, %1" : : "a"(value), "Nd"(port)); }
uint8_t inb(uint16_t port) {
    uint8_t value;
    asm volatile("inb %1, %0" : "=a"(value) : "Nd"(port));
    return value;
}

void put(char c) {
    outb(0xe9, static_cast<uint8_t>(c));
    for (int patience = 1'000'000; patience && !(inb(0x3fd) & 0x20); --patience) {
    }
    outb(0x3f8, static_cast<uint8_t>(c));
}

void put(const char* text) {
    while (*text) put(*text++);
}

void put(uint32_t value) {
    for (int shift = 28; shift >= 0; shift -= 4) put("0123456789ABCDEF"[value >> shift & 15]);
}

void put_decimal(uint32_t value) {
    if (value >= 10) put_decimal(value / 10);
    put(static_cast<char>('0' + value % 10));
}

void pass(const char* name) {
    ++passed;
    put("PASS ");
    put(name);
    put('\n');
}

void fail(const char* name) {
    ++failed;
    put("FAIL ");
    put(name);
}

// One check of several under the same name: says what is wrong, and whether anything was.
class Comparison {
  public:
    explicit Comparison(const char* test) : name(test) {}
    ~Comparison() {
        if (right)
            pass(name);
        else
            put('\n');
    }
    void equal(const char* what, uint32_t got, uint32_t wanted) {
        if (got == wanted) return;
        if (right) fail(name);
        right = false;
        put(": ");
        put(what);
        put(' ');
        put(got);
        put(", not ");
        put(wanted);
    }

  private:
    const char* name;
    bool right = true;
};

void load_tables() {
    struct [[gnu::packed]] {
        uint16_t limit;
        uint32_t base;
    } const gdt_pointer{sizeof gdt - 1, address(gdt)}, idt_pointer{sizeof idt - 1, address(idt)};
    asm volatile("lgdt %0\n\tlidt %1\n\tljmp $8, $1f\n1:\t"
                 "mov %2, %%ds\n\tmov %2, %%es\n\tmov %2, %%fs\n\tmov %2, %%gs\n\tmov %2, %%ss"
                 :
                 : "m"(gdt_pointer), "m"(idt_pointer), "r"(0x10u)
                 : "memory");
}

void set_up() {
    outb(0x3fb, 0x80); // COM1: 115200 baud, 8N1
    outb(0x3f8, 1);
    outb(0x3f9, 0);
    outb(0x3fb, 3);
    outb(0x21, 0xff); // no interrupt requests
    outb(0xa1, 0xff);
    for (uint32_t ring = 0; ring < 4; ++ring) {
        gdt[1 + 2 * ring] = descriptor(0, 0xfffff, present | code_readable | dpl(ring), bits32 | pages);
        gdt[2 + 2 * ring] = descriptor(0, 0xfffff, present | data_writable | dpl(ring), bits32 | pages);
    }
    gdt[tss_selector / 8] = descriptor(address(&tss), sizeof tss - 1, present | tss32_available, 0);
    tss.ss0 = data_selector(0);
    tss.esp0 = trap_stack_top();
    tss.ss1 = data_selector(1);
    tss.esp1 = inner_stack_top(1);
    tss.ss2 = data_selector(2);
    tss.esp2 = inner_stack_top(2);
    tss.io_map_base = sizeof tss; // no port is open
    for (uint32_t i = 0; i < 256; ++i) default_gate(i);
    default_gate(vector::done, 3);
    load_tables();
    load_tr(tss_selector);
    load_ldt(0);
}

// Cuts what the processor pushed into its parts. If it stands at the top of the trap stack, the ring changed; the
// number of bytes tells whether an error code is among them.
void read_frame(Event& event, const Registers& from) {
    const auto* words = reinterpret_cast<const uint32_t*>(harness_record.sp);
    const bool ring_changed = harness_record.sp < tss.esp0 && harness_record.sp >= tss.esp0 - 40;
    event.pushed_bytes = (ring_changed ? tss.esp0 : from.esp) - harness_record.sp;
    const bool from_v86 = ring_changed && event.pushed_bytes >= 36;
    const uint32_t plain = from_v86 ? 36 : ring_changed ? 20 : 12;
    event.error_code = event.pushed_bytes == plain + 4 ? *words++ : no_error_code;
    event.eip = words[0];
    event.cs = words[1] & 0xffff;
    event.eflags = words[2];
    event.esp = ring_changed ? words[3] : 0;
    event.ss = ring_changed ? words[4] & 0xffff : 0;
    if (from_v86) {
        event.es = words[5] & 0xffff;
        event.ds = words[6] & 0xffff;
        event.fs = words[7] & 0xffff;
        event.gs = words[8] & 0xffff;
    }
}

Event expect(const char* name, const Registers& from, uint32_t vector, uint32_t error_code, uint32_t eip,
             uint32_t eflags) {
    const Event event = enter(from);
    Comparison comparison(name);
    comparison.equal("vector", event.vector, vector);
    if (event.vector != vector) return event;
    const bool ring_changed = (from.cs & 3) || (from.eflags & VM);
    const uint32_t plain = from.eflags & VM ? 36 : ring_changed ? 20 : 12;
    comparison.equal("bytes pushed", event.pushed_bytes, plain + (error_code == no_error_code ? 0 : 4));
    comparison.equal("error code", event.error_code, error_code);
    comparison.equal("CS", event.cs, from.cs);
    comparison.equal("EIP", event.eip, eip);
    comparison.equal("EFLAGS", event.eflags & ~status_flags, eflags & ~status_flags);
    comparison.equal("EFLAGS in the handler", event.now.eflags & (TF | IF | NT | RF | VM), 0);
    if (ring_changed) {
        comparison.equal("SS", event.ss, from.ss);
        comparison.equal("ESP", event.esp, from.esp);
    }
    return event;
}

} // namespace

void check(const char* name, bool right) { check_equal(name, right, true); }

void check_equal(const char* name, uint32_t got, uint32_t wanted) { Comparison(name).equal("is", got, wanted); }

void skip(const char* name, const char* reason) {
    ++skipped;
    put("SKIP ");
    put(name);
    put(": ");
    put(reason);
    put('\n');
}

void finish() {
    put(failed ? "VERDICT failed: " : "VERDICT passed: ");
    put_decimal(passed);
    put(" passed, ");
    put_decimal(failed);
    put(" failed, ");
    put_decimal(skipped);
    put(" skipped\n");
    while (!(inb(0x3fd) & 0x40)) { // until the last character is out
    }
    for (const char* c = "Shutdown"; *c; ++c) outb(0x8900, static_cast<uint8_t>(*c)); // Bochs
    outb(0xf4, failed != 0);
    outb(0x501, failed != 0);
    for (;;) asm volatile("cli; hlt");
}

void default_gate(uint32_t vector, uint32_t level) {
    idt[vector] = gate(code_selector(0), handler_of(vector), present | interrupt_gate32 | dpl(level));
}

uint32_t handler_of(uint32_t vector) { return harness_entries[vector]; }

uint32_t stack_top(uint32_t ring) { return address(test_stacks[ring]) + stack_size - 64; }
uint32_t inner_stack_top(uint32_t ring) { return address(inner_stacks[ring]) + stack_size; }
uint32_t trap_stack_top() { return inner_stack_top(0); }

Registers in_ring(uint32_t ring, Code code) {
    Registers r{};
    r.eip = address(code);
    r.eflags = always;
    r.cs = code_selector(ring);
    r.ss = r.ds = r.es = r.fs = r.gs = data_selector(ring);
    r.esp = stack_top(ring);
    return r;
}

Event enter(const Registers& registers) {
    harness_from = registers;
    harness_enter();
    Event event{};
    event.vector = harness_record.vector;
    event.now = harness_record.now;
    event.tr = harness_record.tr;
    read_frame(event, registers);
    return event;
}

Event expect_fault(const char* name, const Registers& from, uint32_t vector, uint32_t error_code) {
    return expect(name, from, vector, error_code, from.eip, from.eflags | RF);
}

Event expect_trap(const char* name, const Registers& from, uint32_t vector, uint32_t length) {
    return expect(name, from, vector, no_error_code, from.eip + length, from.eflags);
}

Event expect_done(const char* name, const Registers& from) {
    const Event event = enter(from);
    Comparison comparison(name);
    comparison.equal("vector", event.vector, vector::done);
    if (event.vector != vector::done) {
        comparison.equal("error code", event.error_code, no_error_code);
        comparison.equal("EIP", event.eip, from.eip);
    }
    return event;
}

uint32_t cr0() {
    uint32_t value;
    asm volatile("mov %%cr0, %0" : "=r"(value));
    return value;
}
void set_cr0(uint32_t value) { asm volatile("mov %0, %%cr0" : : "r"(value) : "memory"); }
uint32_t cr2() {
    uint32_t value;
    asm volatile("mov %%cr2, %0" : "=r"(value));
    return value;
}
void set_cr3(uint32_t value) { asm volatile("mov %0, %%cr3" : : "r"(value) : "memory"); }
uint32_t cr4() {
    uint32_t value;
    asm volatile("mov %%cr4, %0" : "=r"(value));
    return value;
}
void set_cr4(uint32_t value) { asm volatile("mov %0, %%cr4" : : "r"(value) : "memory"); }
void load_tr(uint16_t selector) {
    gdt[selector / 8] &= ~(uint64_t{2} << 40); // not busy
    asm volatile("ltr %0" : : "r"(selector) : "memory");
}
void load_ldt(uint16_t selector) { asm volatile("lldt %0" : : "r"(selector) : "memory"); }

uint32_t features() {
    uint32_t a = 1, b, c, d;
    asm volatile("cpuid" : "+a"(a), "=b"(b), "=c"(c), "=d"(d));
    return d;
}

uint32_t extended_features() {
    uint32_t a = 0x80000000, b, c, d;
    asm volatile("cpuid" : "+a"(a), "=b"(b), "=c"(c), "=d"(d));
    if (a < 0x80000001 || a > 0x800000ff) return 0;
    a = 0x80000001;
    asm volatile("cpuid" : "+a"(a), "=b"(b), "=c"(c), "=d"(d));
    return d;
}

} // namespace conformance

void conformance_main() {
    conformance::set_up();
    conformance_tests();
    conformance::finish();
}
