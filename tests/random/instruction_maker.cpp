#include "tests/random/instruction_maker.hpp"

#include "tests/random/row_encoding.hpp"

#include <algorithm>

namespace truering::random_test {

struct InstructionMaker::Parts {
    const Row& row;
    const RowEncoding& encoding;
    bool operand_32, address_32;
    bool memory = false;
    bool is_string = false, reads_memory = false; // the second: whatever way
    u32 fixed_address = 0;                        // where the operand must be; 0: anywhere
    std::vector<u8> prefixes{};
    std::vector<u8> body{}; // ModRM to the last immediate
    u8 opcode_register = 0;
};

namespace {

constexpr unsigned width_bytes(Width width, bool operand_32) {
    switch (width) {
    case Width::b: return 1;
    case Width::w: return 2;
    case Width::d: return 4;
    case Width::q: return 8;
    case Width::dq: return 16;
    case Width::t: return 10;
    default: return operand_32 ? 4 : 2;
    }
}

bool follows_operand_size(const Row& row) {
    return std::any_of(std::begin(row.operands), std::end(row.operands), [](const Operand& o) {
        return o.width == Width::v || o.width == Width::z || o.width == Width::p || o.width == Width::a;
    });
}

template <std::size_t n> bool is_one_of(std::string_view name, const std::string_view (&names)[n]) {
    return std::find(std::begin(names), std::end(names), name) != std::end(names);
}

// Own rows whose first operand is only read.
bool only_reads(const Row& row) {
    static constexpr std::string_view names[] = {"PUSH", "PUSH_E", "MUL",   "IMUL_one", "DIV", "IDIV",
                                                 "BT",   "NOP",    "BOUND", "FLDCW",    "UD0", "UD1"};
    return row.shape == Shape::R || is_one_of(row.mnemonic, names);
}

void put(std::vector<u8>& to, u32 value, unsigned bytes) {
    for (unsigned n = 0; n < bytes; ++n) to.push_back(static_cast<u8>(value >> 8 * n));
}

} // namespace

void InstructionMaker::append(unsigned number, Program& to) {
    const bool code_32 = surroundings_.size == CodeSize::Bits32;
    Parts p{isa[number], encoding_of(number), code_32, code_32};
    choose_sizes(p);
    for (const Operand& o : p.row.operands) {
        p.is_string |= o.place == Place::StringX || o.place == Place::StringY;
        p.reads_memory |= o.place == Place::Offset;
    }
    p.memory = p.encoding.memory && (!p.encoding.register_ || random_.one_in(2));
    p.reads_memory |= p.memory || p.is_string;
    if (careful()) prepare(p, to);
    choose_prefixes(p);
    if (p.encoding.modrm != ModrmKind::None) add_modrm(p, to);
    add_immediates(p);

    Item item;
    item.bytes = p.prefixes;
    if (p.encoding.mandatory_prefix != 0) item.bytes.push_back(p.encoding.mandatory_prefix);
    item.bytes.insert(item.bytes.end(), p.encoding.opcode.begin(), p.encoding.opcode.begin() + p.encoding.opcode_bytes);
    item.bytes.back() = static_cast<u8>(item.bytes.back() + p.opcode_register);
    item.bytes.insert(item.bytes.end(), p.body.begin(), p.body.end());
    to.items.push_back(std::move(item));
}

void InstructionMaker::choose_sizes(Parts& p) {
    const bool free_prefix = p.encoding.mandatory_prefix == 0 && !p.encoding.forbids_prefixes;
    if (free_prefix && random_.one_in(follows_operand_size(p.row) ? 5 : 12)) p.operand_32 = !p.operand_32;
    if (random_.one_in(12)) p.address_32 = !p.address_32;
}

// Other instructions, in front, so that this one does not fail with nearly every value.
void InstructionMaker::prepare(Parts& p, Program& to) {
    const std::string_view name = p.row.mnemonic;
    auto& items = to.items;
    if (p.is_string) items.push_back(assembler_.load(reg_ECX, random_.below(random_.one_in(8) ? 2000 : 40)));
    if (name == "DIV") {
        if (p.row.operands[0].width == Width::b)
            items.push_back(assembler_.and_(reg_EAX, 0xFF)); // AX
        else
            items.push_back(assembler_.clear(reg_EDX));
    } else if (name == "IDIV") {
        items.push_back(p.row.operands[0].width == Width::b ? assembler_.and_(reg_EAX, 0x7F) : assembler_.CDQ());
    } else if (name == "POPA") {
        for (unsigned n = reg_EAX; n <= reg_EDI; ++n) // in the order of PUSHA
            items.push_back(assembler_.push((kept >> n & 1) != 0 ? place::data + 0x1000 * (1 + n) : random_.value()));
    } else if (name == "POPF") {
        items.push_back(assembler_.push(random_.value() & (random_.one_in(20) ? 0x4'7FD5 : 0x0CD5)));
    } else if (p.memory && (name == "BT" || name == "BTS" || name == "BTR" || name == "BTC")) {
        for (const unsigned n : {reg_EAX, reg_ECX, reg_EDX}) items.push_back(assembler_.and_(n, 0x3FFF));
    } else {
        prepare_x87(p, to);
    }
}

// What loads control words finds good ones.
void InstructionMaker::prepare_x87(Parts& p, Program& to) {
    const std::string_view name = p.row.mnemonic;
    const bool store_first = name == "FLDENV" || name == "FRSTOR" || name == "FXRSTOR";
    if (name != "LDMXCSR" && name != "FLDCW" && !store_first) return;
    p.fixed_address = place::controls + 0x200 * random_.below(2);
    p.address_32 = true;
    if (name == "LDMXCSR" || name == "FLDCW") {
        const bool masked = !random_.one_in(4);
        const u32 all = name == "LDMXCSR" ? 0xFFFF : 0x0F7F;
        const u32 masks = name == "LDMXCSR" ? 0x1F80 : 0x3F;
        const u32 value = (static_cast<u32>(random_.next()) & all) | (masked ? masks : 0);
        to.items.push_back(assembler_.store(p.fixed_address, value));
        return;
    }
    Item store; // with the same operand size, to the same place
    if (surroundings_.size == CodeSize::Bits16) store.bytes.push_back(0x67);
    if (name == "FXRSTOR")
        store.bytes.insert(store.bytes.end(), {0x0F, 0xAE, 0x05});
    else if (p.operand_32 != (surroundings_.size == CodeSize::Bits32))
        store.bytes.push_back(0x66);
    if (name == "FLDENV") store.bytes.insert(store.bytes.end(), {0xD9, 0x35});
    if (name == "FRSTOR") store.bytes.insert(store.bytes.end(), {0xDD, 0x35});
    put(store.bytes, p.fixed_address - surroundings_.data_base, 4);
    to.items.push_back(std::move(store));
}

void InstructionMaker::choose_prefixes(Parts& p) {
    const bool code_32 = surroundings_.size == CodeSize::Bits32;
    auto& prefixes = p.prefixes;
    if (p.operand_32 != code_32) prefixes.push_back(0x66);
    if (p.address_32 != code_32 && (p.reads_memory || random_.one_in(4))) prefixes.push_back(0x67);
    if (p.reads_memory && random_.one_in(12)) {
        static constexpr u8 segments[] = {0x26, 0x26, 0x36, 0x36, 0x3E, 0x64, 0x65, 0x64, 0x65, 0x2E};
        prefixes.push_back(random_.pick(segments));
    }
    const bool may_lock = p.row.attributes.lockable && p.memory;
    if (random_.one_in(may_lock ? 8 : 400)) prefixes.push_back(0xF0);
    if (p.is_string ? random_.one_in(2)
                    : random_.one_in(300) && p.encoding.mandatory_prefix == 0 && !p.encoding.forbids_prefixes)
        prefixes.push_back(random_.one_in(2) ? 0xF2 : 0xF3);
    for (std::size_t n = prefixes.size(); n > 1; --n)
        std::swap(prefixes[n - 1], prefixes[random_.below(static_cast<u32>(n))]);
}

u8 InstructionMaker::register_for(const Parts& p, const Operand& operand, bool written) {
    const u8 any = static_cast<u8>(random_.below(8));
    if (operand.file != RegisterFile::General) return operand.file == RegisterFile::Segment ? any % 6 : any;
    if (!written || random_.one_in(200)) return any;
    static constexpr u8 words[] = {reg_EAX, reg_ECX, reg_EDX}, bytes[] = {0, 1, 2, 4, 5, 6};
    return width_bytes(operand.width, p.operand_32) == 1 ? random_.pick(bytes) : random_.pick(words);
}

// The register for the operand that is at one of two places.
u8 InstructionMaker::operand_register(const Parts& p, Place first, Place second) {
    for (unsigned n = 0; n < std::size(p.row.operands); ++n) {
        const Operand& o = p.row.operands[n];
        if (o.place != first && o.place != second) continue;
        const bool exchanges = p.row.mnemonic == "XCHG" || p.row.mnemonic == "XADD";
        return register_for(p, o, (n == 0 && !only_reads(p.row)) || exchanges);
    }
    return static_cast<u8>(random_.below(8));
}

void InstructionMaker::add_modrm(Parts& p, Program& to) {
    u8 reg = p.encoding.digit;
    if (p.encoding.modrm == ModrmKind::Any) {
        reg = operand_register(p, Place::ModRmG, Place::Segment);
        for (const Operand& o : p.row.operands)
            if (o.place == Place::Control || o.place == Place::Debug) reg = static_cast<u8>(random_.below(8));
    }
    p.body.push_back(static_cast<u8>(reg << 3));
    if (!p.memory)
        p.body[0] = static_cast<u8>(p.body[0] | 0xC0 | operand_register(p, Place::ModRmE, Place::RegisterRm));
    else if (p.address_32)
        add_memory_32(p, to);
    else
        add_memory_16(p);
}

u32 InstructionMaker::displacement(const Parts& p) {
    u32 wide = 0;
    for (const Operand& o : p.row.operands)
        if (o.place == Place::ModRmE || o.place == Place::Memory) wide = width_bytes(o.width, p.operand_32);
    const u32 near_by = random_.below(0x100) - 0x80;
    if (random_.percent(60)) return near_by & ~(std::max(wide, 4u) - 1);
    if (random_.one_in(4)) return 0 - random_.below(20); // over the page's edge, if the pointer is there
    return random_.one_in(2) ? near_by : random_.below(0x2000) - 0x1000;
}

void InstructionMaker::add_memory_16(Parts& p) {
    const u32 mod = random_.below(3);
    const u32 rm = random_.below(8);
    p.body[0] = static_cast<u8>(p.body[0] | mod << 6 | rm);
    if (mod == 0 && rm == 6)
        put(p.body, random_.one_in(8) ? 0xFFF0 + random_.below(16) : random_.below(0x1'0000), 2);
    else
        put(p.body, displacement(p), mod);
}

void InstructionMaker::add_memory_32(Parts& p, Program& to) {
    static constexpr u8 pointers[] = {reg_ESI, reg_EDI, reg_EBX, reg_EBP};
    constexpr u8 sib = 4, no_base = 5, no_index = 4;
    auto& body = p.body;
    const auto absolute = [&](u32 linear) {
        body[0] |= 5;
        put(body, linear - surroundings_.data_base, 4);
    };
    if (p.fixed_address != 0) return absolute(p.fixed_address);
    const u32 form = random_.below(100);
    const u32 there = random_.one_in(3) ? 0 : displacement(p);
    const auto with_displacement = [&](u8 base, u8 low_bits, std::initializer_list<u8> sib_byte) {
        const bool fits = there + 0x80 < 0x100;
        const bool none = there == 0 && (base & 7) != no_base;
        body[0] = static_cast<u8>(body[0] | low_bits | (none ? 0 : fits && !random_.one_in(8) ? 0x40 : 0x80));
        body.insert(body.end(), sib_byte);
        put(body, there, (body[0] & 0xC0) == 0 ? 0 : (body[0] & 0xC0) == 0x40 ? 1 : 4);
    };
    const auto scaled = [&](u8 index, u8 base) { return static_cast<u8>(random_.below(4) << 6 | index << 3 | base); };
    const auto index_register = [&] {
        if (random_.one_in(8)) return static_cast<u8>(random_.pick(pointers)); // far away, mostly
        const u8 index = static_cast<u8>(random_.below(3));
        if (careful()) to.items.push_back(assembler_.and_(index, random_.one_in(2) ? 0xFF0 : 0x7F));
        return index;
    };
    if (form < 50) {
        const u8 base = random_.pick(pointers);
        with_displacement(base, base, {});
    } else if (form < 68) {
        const u8 base = random_.pick(pointers);
        with_displacement(base, sib, {scaled(index_register(), base)});
    } else if (form < 80) {
        absolute(random_.between(place::data, place::counters - 64) & (random_.one_in(4) ? ~0u : ~15u));
    } else if (form < 86) {
        with_displacement(reg_ESP, sib, {static_cast<u8>(no_index << 3 | reg_ESP)});
    } else if (form < 91) { // index and displacement only
        const u8 index = index_register();
        body[0] |= sib;
        body.push_back(scaled(index, no_base));
        put(body, random_.between(place::data + 0x1000, place::counters - 0x8000) - surroundings_.data_base, 4);
    } else if (form < 93) { // a SIB byte that names neither
        body[0] |= sib;
        body.push_back(scaled(no_index, no_base));
        put(body, random_.between(place::data, place::counters - 64) - surroundings_.data_base, 4);
    } else if (form < 98) { // SIB where none is needed
        const u8 base = random_.pick(pointers);
        with_displacement(base, sib, {scaled(no_index, base)});
    } else {
        const u8 base = static_cast<u8>(random_.below(8));
        if (base == reg_ESP)
            with_displacement(base, sib, {scaled(random_.one_in(2) ? no_index : base, base)});
        else
            with_displacement(base, base, {});
    }
}

void InstructionMaker::add_immediates(Parts& p) {
    for (const Operand& o : p.row.operands) {
        switch (o.place) {
        case Place::Immediate: {
            const unsigned bytes = o.sign_extended ? 1 : width_bytes(o.width, p.operand_32);
            const bool small = (p.row.mnemonic == "ENTER" || p.row.mnemonic == "RET") && !random_.one_in(100);
            put(p.body, small ? random_.below(8) * 4 : random_.value(), bytes);
            break;
        }
        case Place::Offset:
            if (p.address_32)
                put(p.body, random_.between(place::data, place::counters - 64) - surroundings_.data_base, 4);
            else
                put(p.body, random_.below(0x1'0000), 2);
            break;
        case Place::Far:
            put(p.body, random_.value(), p.operand_32 ? 4 : 2), put(p.body, random_.below(0x100), 2);
            break;
        default: break;
        }
    }
    if (p.encoding.adds_register) p.opcode_register = operand_register(p, Place::Opcode, Place::RegisterRm);
}

} // namespace truering::random_test
