// The generator: a seed to a program and the state in which it begins.
//
// A program is an endless outer loop. Its head restores the pointers and the stack; then come straight code, counted
// loops, jumps over code, into the middle of loops, by tables, calls, and stores to code; behind it stand the
// functions, some on pages of their own. Everything is reached again and again, so that it is translated.
#include "cpu/flags.hpp"
#include "tests/random/instruction_maker.hpp"
#include "tests/random/plan.hpp"
#include "tests/random/row_encoding.hpp"
#include "tests/random/row_groups.hpp"

#include <algorithm>
#include <numeric>
#include <optional>

namespace truering::random_test {

namespace {

// How often instructions of each group are taken, by kind of program.
struct Mixture {
    const char* name;
    u32 weight[row_group_count]; // in the order of RowGroup
};
constexpr Mixture mixtures[] = {
    {"integer", {940, 30, 2, 2, 2, 20, 4, 0, 0}}, {"strings", {700, 270, 5, 5, 5, 10, 5, 0, 0}},
    {"x87", {260, 10, 700, 10, 10, 5, 5, 0, 0}},  {"mmx", {260, 10, 60, 600, 60, 5, 5, 0, 0}},
    {"sse", {260, 10, 10, 20, 690, 5, 5, 0, 0}},  {"mixed", {500, 50, 150, 100, 150, 30, 20, 0, 0}},
};

class Generator {
  public:
    Generator(u64 seed, const PlanOptions& options)
        : options_(options), random_(seed), mixture_(choose_mixture()), maker_(random_, surroundings_) {}

    Plan make(u64 seed) {
        plan_.seed = seed;
        plan_.kind = mixture_.name;
        plan_.instructions = u64{1000} << random_.below(7);
        make_setup();
        make_program();
        return std::move(plan_);
    }

  private:
    const Mixture& choose_mixture() {
        // Plain integer code most often: what is translated in the most intricate ways.
        return random_.percent(40) ? mixtures[0] : random_.pick(mixtures);
    }

    // ---- The state

    void make_setup() {
        Setup& setup = plan_.setup;
        setup.data_seed = random_.next();
        for (u32& reg : setup.gpr) reg = random_.value();
        setup.eflags = (random_.value() & (u32{arithmetic_flags} | EFLAGS_DF)) | 2;
        if (random_.one_in(2)) setup.fpu_control = static_cast<u16>(0x7F | random_.below(16) << 8);
        if (random_.one_in(4)) setup.fpu_control = static_cast<u16>(0x40 | random_.below(0x1000));
        if (random_.one_in(2)) setup.mxcsr = 0x1F80 | (static_cast<u32>(random_.next()) & 0xE07F);
        if (random_.one_in(4)) setup.mxcsr = static_cast<u32>(random_.next()) & 0xFFFF;
        for (unsigned n = 0; n < 6; ++n) {
            setup.segment[n].attributes = static_cast<u16>(n == seg_CS ? 0xC9B : 0xC93);
            setup.segment[n].limit = 0xFFFF'FFFF;
        }
    }

    // ---- The program

    Program& program() { return plan_.program; }
    void add(Item item) { program().items.push_back(std::move(item)); }
    u32 take_counter() { return place::counters + 4 * counters_++; }

    void make_program() {
        program().size = surroundings_.size;
        // So that the main loop lies on a page's edge, mostly.
        program().first_eip = place::code + (random_.one_in(4) ? random_.below(64) : page_size - random_.below(1200));
        const u32 functions = random_.below(5);
        for (u32 n = 0; n < functions; ++n) functions_.push_back(program().new_label());
        const u32 length = random_.between(20, 300);
        make_main(length * 2 / 3);
        for (u32 n = 0; n < functions; ++n) make_function(n, random_.between(3, 4 + length / 8));
    }

    void make_main(u32 length) {
        program().head = program().new_label();
        program().bind(program().head);
        add(assembler().load(reg_ESP, place::stack_top));
        restore_pointers();
        callable_from_ = 0;
        make_code(length, 0);
        add(Assembler::jump_to(program().head));
    }

    void restore_pointers() {
        for (const u8 reg : {reg_ESI, reg_EDI, reg_EBX, reg_EBP}) {
            const u32 page = random_.between(place::data / page_size + 2, place::counters / page_size - 6);
            const u32 there = random_.one_in(3)   ? 0
                              : random_.one_in(4) ? random_.below(page_size)
                                                  : 16 * random_.below(256);
            add(assembler().load(reg, page * page_size + there));
        }
    }

    void make_function(u32 number, u32 length) {
        const auto begin = static_cast<u32>(program().items.size());
        program().bind(functions_[number]);
        const u32 saved = place::saved_stacks + 4 * number;
        add(assembler().store_register(saved, reg_ESP));
        if (random_.one_in(3)) program().items[begin].new_page_at = 1 + random_.below(page_size - 1);
        callable_from_ = number + 1;
        make_code(length, 1);
        add(assembler().load_register(reg_ESP, saved));
        add(random_.one_in(4) ? Item{.bytes = {0xC2, static_cast<u8>(4 * random_.below(3)), 0}} : Assembler::RET());
    }

    void make_code(u32 length, u32 depth) {
        const auto end = static_cast<u32>(program().items.size()) + length;
        while (program().items.size() < end) {
            const u32 left = end - static_cast<u32>(program().items.size());
            switch (const u32 what = random_.below(100); what) {
            case 0:
            case 1:
            case 2:
            case 3:
                if (depth < 3) make_counted_loop(1 + random_.below(std::min(left, 20u)), depth);
                break;
            case 4:
                if (depth < 3) make_LOOP(1 + random_.below(std::min(left, 12u)), depth);
                break;
            case 5:
            case 6:
            case 7:
            case 8:
            case 9: make_forward_jump(1 + random_.below(6), depth); break;
            case 10:
            case 11: make_call(); break;
            case 12: make_indirect_jump(depth); break;
            case 13: make_jump_table(depth); break;
            case 14:
                if (depth < 2) make_irregular_loop(depth);
                break;
            case 15: make_store_to_code(); break;
            default: make_instruction(); break;
            }
        }
    }

    void make_instruction() {
        const u32 total = std::accumulate(std::begin(mixture_.weight), std::end(mixture_.weight), 0u);
        u32 at = random_.below(total);
        unsigned group = 0;
        while (at >= mixture_.weight[group]) at -= mixture_.weight[group++];
        const unsigned row = random_.pick(rows_of(static_cast<RowGroup>(group)));
        const auto begins = [row](const std::string& text) { return isa[row].encoding.starts_with(text); };
        if (std::none_of(options_.left_out.begin(), options_.left_out.end(), begins)) maker_.append(row, program());
    }

    // ---- Loops

    u32 turns() { return random_.one_in(10) ? random_.between(40, 200) : random_.between(1, 12); }

    void make_counted_loop(u32 length, u32 depth) {
        const u32 counter = take_counter();
        const Label again = program().new_label();
        add(assembler().store(counter, turns()));
        program().bind(again);
        make_code(length, depth + 1);
        add(random_.one_in(2) ? assembler().decrement(counter) : assembler().subtract_one(counter));
        static constexpr unsigned conditions[] = {5, 5, 5, 0xF}; // NZ, G
        add(Assembler::jump_if(random_.pick(conditions), again));
    }

    // LOOP, LOOPE, LOOPNE, JCXZ: a counter in ECX, which what is in the loop may change.
    void make_LOOP(u32 length, u32 depth) {
        const Label again = program().new_label(), end = program().new_label();
        const u32 counter = take_counter();
        add(assembler().load(reg_ECX, turns()));
        if (random_.one_in(2)) add(Assembler::jump({0xE3}, {}, end));
        program().bind(again);
        const bool keeps = random_.percent(70);
        if (keeps) add(assembler().store_register(counter, reg_ECX));
        make_code(length, depth + 1);
        if (keeps) add(assembler().load_register(reg_ECX, counter));
        static constexpr u8 opcodes[] = {0xE0, 0xE1, 0xE2, 0xE2};
        Item loop = Assembler::jump({random_.pick(opcodes)}, {}, again);
        if (random_.one_in(12)) loop.bytes.insert(loop.bytes.begin(), 0x67); // CX counts
        add(std::move(loop));
        program().bind(end);
    }

    // A loop that is entered in its middle, left in its middle, and has two ways back.
    void make_irregular_loop(u32 depth) {
        const u32 counter = take_counter();
        const Label top = program().new_label(), middle = program().new_label(), end = program().new_label();
        add(assembler().store(counter, turns() * 2));
        if (random_.one_in(2)) add(Assembler::jump_to(middle));
        program().bind(top);
        make_code(random_.between(1, 5), depth + 2);
        add(Assembler::jump_if(random_.below(16), end));
        program().bind(middle);
        make_code(random_.between(1, 5), depth + 2);
        add(assembler().decrement(counter));
        add(Assembler::jump_if(8, end)); // S: ways back are bounded
        add(Assembler::jump_if(random_.below(16), top));
        make_code(random_.between(1, 4), depth + 2);
        add(assembler().decrement(counter));
        add(Assembler::jump_if(9, random_.one_in(2) ? top : middle)); // NS
        program().bind(end);
    }

    // ---- Jumps

    void make_forward_jump(u32 length, u32 depth) {
        const Label over = program().new_label();
        if (random_.one_in(10))
            add(random_.one_in(4) ? Assembler::jump({}, {0xE9}, over) : Assembler::jump_to(over));
        else if (const u32 condition = random_.below(16); random_.one_in(4))
            add(Assembler::jump({}, {0x0F, static_cast<u8>(0x80 | condition)}, over));
        else
            add(Assembler::jump_if(condition, over));
        make_code(length, depth + 1);
        program().bind(over);
    }

    // To a little further on, by a register or memory, or as a return.
    void make_indirect_jump(u32 depth) {
        const Label there = program().new_label();
        const u32 slot = place::jump_tables + 16 * random_.below(16);
        const unsigned reg = random_.below(3);
        switch (random_.below(3)) {
        case 0:
            add(assembler().load_address(reg, there));
            add(assembler().group_5_register(4, reg));
            break;
        case 1:
            add(assembler().store_address(slot, there));
            add(assembler().group_5(4, slot));
            break;
        default:
            add(assembler().push_address(there));
            add(return_of_dword());
            break;
        }
        if (random_.one_in(2)) make_code(random_.between(1, 3), depth + 1);
        program().bind(there);
    }
    [[nodiscard]] Item return_of_dword() const {
        if (surroundings_.size == CodeSize::Bits16) return {.bytes = {0x66, 0xC3}};
        return Assembler::RET();
    }

    // One of four places, by what a register happens to hold.
    void make_jump_table(u32 depth) {
        const u32 table = place::jump_tables + 16 * random_.below(16);
        const unsigned reg = random_.below(3);
        Label cases[4];
        for (u32 n = 0; n < 4; ++n) {
            cases[n] = program().new_label();
            add(assembler().store_address(table + 4 * n, cases[n]));
        }
        if (random_.one_in(2)) make_instruction();
        add(assembler().and_(reg, 3));
        add(assembler().group_5_table(4, reg, table));
        for (const Label label : cases) {
            program().bind(label);
            make_code(random_.between(0, 3), depth + 1);
        }
    }

    void make_call() {
        if (callable_from_ >= functions_.size()) return make_instruction();
        const Label function = functions_[random_.between(callable_from_, static_cast<u32>(functions_.size()) - 1)];
        const u32 slot = place::jump_tables + 16 * random_.below(16);
        const unsigned reg = random_.below(3);
        switch (random_.below(4)) {
        case 0:
            add(assembler().load_address(reg, function));
            add(assembler().group_5_register(2, reg));
            break;
        case 1:
            add(assembler().store_address(slot, function));
            add(assembler().group_5(2, slot));
            break;
        default: add(Assembler::call(function)); break;
        }
    }

    // ---- Stores to code

    // An instruction with an immediate of 32 bits, and somewhere a store to it: before it, behind it, or in a function.
    void make_store_to_code() {
        const Label changed = random_.one_in(4) && !changed_.empty() ? random_.pick(changed_) : program().new_label();
        const bool before = random_.one_in(2);
        if (before) add_store_to(changed);
        if (before && random_.one_in(2)) make_instruction();
        if (program().labels[changed] == ~u32{0}) {
            program().bind(changed);
            static constexpr u8 groups[] = {0xC0, 0xC8, 0xD0, 0xD8, 0xE0, 0xE8, 0xF0, 0xF8};
            Item item = assembler().and_(random_.below(3), random_.value());
            u8& modrm = item.bytes[item.bytes.size() - 5];
            modrm = static_cast<u8>((modrm & 7) | random_.pick(groups));
            add(std::move(item));
            changed_.push_back(changed);
        }
        if (!before) add_store_to(changed);
    }
    void add_store_to(Label label) {
        const u32 prefix = surroundings_.size == CodeSize::Bits16 ? 1 : 0;
        Item item;
        switch (random_.below(4)) {
        case 0: item = assembler().store(0, random_.value()); break;
        case 1: item = assembler().decrement(0); break;
        case 2: item = assembler().store_register(0, random_.below(3)); break;
        default: // a byte
            item.bytes = {0x80, 0x35, 0, 0, 0, 0, static_cast<u8>(random_.next())};
            if (prefix != 0) item.bytes.insert(item.bytes.begin(), 0x67);
            break;
        }
        const bool has_immediate = item.bytes.size() > 8;
        item.target = label;
        item.address_bytes = 4;
        item.address_at = static_cast<unsigned>(item.bytes.size()) - (has_immediate                ? 8
                                                                      : item.bytes[prefix] == 0x80 ? 5
                                                                                                   : 4);
        // Mostly the immediate; else anything of it or near it.
        item.addend = program().cs_base - surroundings_.data_base +
                      (random_.percent(85) ? prefix + 2 + (item.bytes[prefix] == 0x80 ? random_.below(4) : 0)
                                           : random_.below(24) - 12);
        add(std::move(item));
    }

    [[nodiscard]] const Assembler& assembler() {
        if (!assembler_) assembler_.emplace(surroundings_.size, surroundings_.data_base);
        return *assembler_;
    }

    const PlanOptions& options_;
    Random random_;
    Plan plan_;
    const Mixture& mixture_;
    Surroundings surroundings_;
    InstructionMaker maker_;
    std::optional<Assembler> assembler_;
    std::vector<Label> functions_, changed_;
    u32 counters_ = 0;
    u32 callable_from_ = 0; // functions call those behind them: no recursion
};

} // namespace

Plan make_plan(u64 seed, const PlanOptions& options) { return Generator(seed, options).make(seed); }

} // namespace truering::random_test
