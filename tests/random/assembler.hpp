// The few instructions that a random program needs for its own order: pointers, counters, jumps. Each is written for
// 16-bit and for 32-bit code; operands are 32 bits wide in both.
#pragma once

#include "cpu/registers.hpp"
#include "tests/random/program.hpp"

namespace truering::random_test {

class Assembler {
  public:
    // `data_base` is what DS is based on: addresses given are linear.
    Assembler(CodeSize size, u32 data_base) : size_(size), data_base_(data_base) {}

    [[nodiscard]] Item load(unsigned reg, u32 value) const { return dword({static_cast<u8>(0xB8 + reg)}, {value}); }
    [[nodiscard]] Item load_address(unsigned reg, Label of) const { return with_address(load(reg, 0), of); }
    [[nodiscard]] Item and_(unsigned reg, u32 value) const {
        return dword({0x81, static_cast<u8>(0xE0 | reg)}, {value});
    }
    [[nodiscard]] Item or_(unsigned reg, u32 value) const {
        return dword({0x81, static_cast<u8>(0xC8 | reg)}, {value});
    }
    [[nodiscard]] Item clear(unsigned reg) const { return dword({0x31, static_cast<u8>(0xC0 | reg * 9)}, {}); }
    [[nodiscard]] Item CDQ() const { return dword({0x99}, {}); }
    [[nodiscard]] Item push(u32 value) const { return dword({0x68}, {value}); }
    [[nodiscard]] Item push_address(Label of) const { return with_address(push(0), of); }

    // Of a doubleword in memory.
    [[nodiscard]] Item store(u32 to, u32 value) const { return memory({0xC7, 0x05}, to, {value}); }
    [[nodiscard]] Item store_address(u32 to, Label of) const { return with_address(store(to, 0), of); }
    [[nodiscard]] Item decrement(u32 at) const { return memory({0xFF, 0x0D}, at, {}); }
    [[nodiscard]] Item subtract_one(u32 at) const {
        Item item = memory({0x83, 0x2D}, at, {});
        item.bytes.push_back(1);
        return item;
    }
    [[nodiscard]] Item store_register(u32 to, unsigned reg) const {
        return memory({0x89, static_cast<u8>(0x05 | reg << 3)}, to, {});
    }
    [[nodiscard]] Item load_register(unsigned reg, u32 from) const {
        return memory({0x8B, static_cast<u8>(0x05 | reg << 3)}, from, {});
    }
    // The /digit form of FF on a doubleword in memory, on reg * 4 + a table, or on a register: calls and jumps.
    [[nodiscard]] Item group_5(unsigned digit, u32 at) const {
        return memory({0xFF, static_cast<u8>(0x05 | digit << 3)}, at, {});
    }
    [[nodiscard]] Item group_5_table(unsigned digit, unsigned reg, u32 table) const {
        return memory({0xFF, static_cast<u8>(0x04 | digit << 3), static_cast<u8>(0x85 | reg << 3)}, table, {});
    }
    [[nodiscard]] Item group_5_register(unsigned digit, unsigned reg) const {
        return dword({0xFF, static_cast<u8>(0xC0 | digit << 3 | reg)}, {});
    }
    [[nodiscard]] static Item RET() { return {.bytes = {0xC3}}; }

    [[nodiscard]] static Item jump(std::vector<u8> short_form, std::vector<u8> near_form, Label to) {
        return {.bytes = std::move(short_form), .near_form = std::move(near_form), .target = to};
    }
    [[nodiscard]] static Item jump_to(Label to) { return jump({0xEB}, {0xE9}, to); }
    // Jcc by its condition's number.
    [[nodiscard]] static Item jump_if(unsigned condition, Label to) {
        return jump({static_cast<u8>(0x70 | condition)}, {0x0F, static_cast<u8>(0x80 | condition)}, to);
    }
    [[nodiscard]] static Item call(Label to) { return jump({}, {0xE8}, to); }
    [[nodiscard]] u32 data_base() const { return data_base_; }
    [[nodiscard]] CodeSize size() const { return size_; }

  private:
    static void put(std::vector<u8>& bytes, u32 value) {
        for (unsigned n = 0; n < 4; ++n) bytes.push_back(static_cast<u8>(value >> 8 * n));
    }
    [[nodiscard]] Item dword(std::initializer_list<u8> opcode, std::initializer_list<u32> values) const {
        Item item;
        if (size_ == CodeSize::Bits16) item.bytes.push_back(0x66);
        item.bytes.insert(item.bytes.end(), opcode);
        for (const u32 value : values) put(item.bytes, value);
        return item;
    }
    [[nodiscard]] Item memory(std::initializer_list<u8> opcode, u32 at, std::initializer_list<u32> values) const {
        Item item;
        if (size_ == CodeSize::Bits16) item.bytes = {0x66, 0x67};
        item.bytes.insert(item.bytes.end(), opcode);
        put(item.bytes, at - data_base_);
        for (const u32 value : values) put(item.bytes, value);
        return item;
    }
    // The last four bytes become a label's address.
    [[nodiscard]] static Item with_address(Item item, Label of) {
        item.target = of;
        item.address_bytes = 4;
        item.address_at = static_cast<unsigned>(item.bytes.size()) - 4;
        return item;
    }

    CodeSize size_;
    u32 data_base_;
};

} // namespace truering::random_test
