#include "tests/random/tables.hpp"

#include "cpu/exception.hpp"
#include "cpu/flags.hpp"
#include "cpu/model.hpp"
#include "cpu/registers.hpp"
#include "tests/random/handlers.hpp"
#include "tests/random/random.hpp"

#include <algorithm>
#include <cstring>
#include <type_traits>

namespace truering::random_test {

namespace {

class Tables {
  public:
    Tables(std::span<u8> ram, const Plan& plan, const Image& image)
        : ram_(ram), plan_(plan), setup_(plan.setup), image_(image) {}

    void fill() {
        make_data();
        make_code();
        make_descriptors();
        make_handlers();
        make_tasks();
        make_variables();
        make_page_tables();
    }

  private:
    template <class T> void put(u32 at, T value) {
        static_assert(std::is_arithmetic_v<T>);
        std::memcpy(&ram_[at], &value, sizeof value);
    }
    void put_bytes(u32 at, std::span<const u8> bytes) { std::copy(bytes.begin(), bytes.end(), &ram_[at]); }

    // Numbers of many kinds: integers, floats and doubles of ordinary size, bytes.
    void make_data() {
        Random random(setup_.data_seed);
        for (u32 at = place::low_data; at < place::stack_end; at += 8) {
            switch (random.below(4)) {
            case 0: put(at, random.value()), put(at + 4, random.value()); break;
            case 1: put(at, static_cast<float>(random.value()) / 256), put(at + 4, 1.5f); break;
            case 2: put(at, static_cast<double>(random.value()) / 65536 - 20000); break;
            default: put(at, random.next()); break;
            }
        }
    }

    void make_code() {
        const u32 base = plan_.program.cs_base;
        put_bytes(base + image_.first_eip, image_.bytes);
        for (std::size_t n = 0; n < image_.bytes.size();) {
            const std::span<const u8> rest(image_.bytes.data() + n, image_.bytes.size() - n);
            const Decoded decoded = decode(rest, plan_.program.size, find_cpu_model("pentium4")->features);
            const u8 length = decoded.status == DecodeStatus::Complete ? decoded.instruction.length : u8{1};
            for (u8 b = 0; b < length && n + b < image_.bytes.size(); ++b)
                ram_[place::lengths + n + b] = static_cast<u8>(length - b);
            n += length;
        }
    }

    void descriptor(u16 selector, u32 base, u32 limit, u16 attributes) {
        const u32 raw = (attributes & attr_G) != 0 ? limit >> 12 : limit;
        put<u32>(place::gdt + (selector & ~7u), (raw & 0xFFFF) | base << 16);
        put<u32>(place::gdt + (selector & ~7u) + 4, (base >> 16 & 0xFF) | (attributes & 0xFFu) << 8 | (raw & 0xF'0000) |
                                                        (attributes & 0xF00u) << 12 | (base & 0xFF00'0000));
    }
    void gate(unsigned vector, u16 selector, u32 offset, u32 type_and_rights) {
        put<u32>(place::idt + vector * 8, (offset & 0xFFFF) | u32{selector} << 16);
        put<u32>(place::idt + vector * 8 + 4, (offset & 0xFFFF'0000) | type_and_rights << 8);
    }

    void make_descriptors() {
        descriptor(selector_flat_code, 0, ~u32{0}, 0xC9B);
        descriptor(selector_flat_data, 0, ~u32{0}, 0xC93);
        for (unsigned n = 0; n < 6; ++n) {
            const Segment& s = setup_.segment[n];
            descriptor(program_selector(n, setup_.cpl), s.base, s.limit,
                       static_cast<u16>(s.attributes | setup_.cpl << 5));
        }
        constexpr u32 io_map_bytes = 0x2000;
        descriptor(selector_tss, place::tss, 0x68 + io_map_bytes, 0x08B);
        descriptor(selector_double_fault_tss, place::double_fault_tss, 0x67, 0x089);
    }

    void make_handlers() {
        const HandlerCode code = handler_code();
        const u32 to = place::handlers + handler_code_at;
        put_bytes(to, code.bytes);
        for (unsigned vector = 0; vector < vector_count; ++vector) {
            const u32 stub = place::handlers + vector * handler_stub_bytes;
            std::vector<u8> bytes;
            if (vector >= first_interrupt || !pushes_error_code(static_cast<Vector>(vector))) bytes = {0x6A, 0};
            bytes.insert(bytes.end(), {0x6A, static_cast<u8>(vector), 0xE9});
            put_bytes(stub, bytes);
            const auto at = static_cast<u32>(bytes.size());
            put<u32>(stub + at, to + code.common - (stub + at + 4));
            constexpr u32 interrupt_gate = 0x8E, for_all = 0x60;
            gate(vector, selector_flat_code, stub,
                 vector >= first_interrupt ? interrupt_gate | for_all : interrupt_gate);
        }
        constexpr u32 task_gate = 0x85;
        gate(static_cast<unsigned>(Vector::DF), selector_double_fault_tss, 0, task_gate);
    }

    void make_tasks() {
        put<u32>(place::tss + 4, place::handler_stack_top);
        put<u32>(place::tss + 8, selector_flat_data);
        put<u16>(place::tss + 0x66, 0x68); // the I/O map: of every four ports the last is forbidden
        std::fill_n(&ram_[place::tss + 0x68], 0x2001, u8{0x88});
        const u32 other = place::double_fault_tss;
        put<u32>(other + 28, setup_.paging == Paging::Off ? 0 : place::page_directory);
        put<u32>(other + 32, place::handlers + handler_code_at + handler_code().double_fault);
        put<u32>(other + 36, EFLAGS_fixed);
        put<u32>(other + 56, place::handler_stack_top);
        for (unsigned n = 0; n < 6; ++n) put<u16>(other + 72 + 4 * n, program_selector(n, setup_.cpl));
        put<u16>(other + 72 + 4 * seg_CS, selector_flat_code);
        put<u16>(other + 72 + 4 * seg_SS, selector_flat_data);
        put<u16>(other + 72 + 4 * seg_DS, selector_flat_data);
    }

    void make_variables() {
        put<u32>(place::log_at, place::fault_log);
        put<u32>(place::head, image_.head_eip);
        put<u32>(place::first_eip, image_.first_eip);
        put<u32>(place::code_bytes, static_cast<u32>(image_.bytes.size()));
        const u32 ss_base = setup_.segment[seg_SS].base;
        const bool own_stack = setup_.cpl == 0; // handlers work on the program's stack
        put<u32>(place::lowest_esp, own_stack ? place::stack - ss_base + 256 : place::handler_stack + 256);
        put<u32>(place::highest_esp, own_stack ? place::stack_end - ss_base : place::handler_stack_top);
        put<u32>(place::program_cs, program_selector(seg_CS, setup_.cpl));
        put<u32>(place::program_ss, program_selector(seg_SS, setup_.cpl));
        put<u32>(place::program_ds, program_selector(seg_DS, setup_.cpl));
        put<u32>(place::program_esp, place::stack_top - ss_base);
        put<u32>(place::program_cpl, setup_.cpl);
        put<u32>(place::flat_ss, selector_flat_data);
        for (const Vector v : {Vector::DE, Vector::BR, Vector::UD, Vector::TS, Vector::NP, Vector::SS, Vector::GP,
                               Vector::PF, Vector::AC, Vector::XM})
            ram_[place::is_fault + static_cast<unsigned>(v)] = 1;
    }

    void make_page_tables() {}

    std::span<u8> ram_;
    const Plan& plan_;
    const Setup& setup_;
    const Image& image_;
};

} // namespace

void fill_memory(std::span<u8> ram, const Plan& plan, const Image& image) { Tables(ram, plan, image).fill(); }

} // namespace truering::random_test
