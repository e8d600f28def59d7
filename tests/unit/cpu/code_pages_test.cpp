// Stores to a page that holds decoded code: those beside the code leave every block alone, those into it kill just the
// blocks that hold the bytes, and what runs then is what memory says.
#include "cpu/interpreter/block_cache.hpp"
#include "protected_bench.hpp"

namespace truering::test {

namespace {

class CodePages : public ProtectedBench {
  protected:
    static constexpr u32 place = 0x1'4000;

    // MOV EAX, imm32; INC EAX; HLT
    void put_function(u32 at, u32 value) {
        put<u8>(at, 0xB8);
        put<u32>(at + 1, value);
        put<u8>(at + 5, 0x40);
        put<u8>(at + 6, 0xF4);
    }
    void execute(u32 at) {
        cpu.halted = false;
        cpu.update_attention();
        cpu.eip = at;
        ASSERT_EQ(cpu.run(100).reason, StopReason::Halted);
    }
    [[nodiscard]] const Block* block_at(u32 at) { return cpu.blocks().find(BlockCache::key_of(at, CodeSize::Bits32)); }
    // The guest stores EDX at EBX by MOV, or adds it by ADD.
    void store(u8 opcode, u32 at, u32 value) {
        put<u8>(code, opcode);
        put<u8>(code + 1, 0x13);
        put<u8>(code + 2, 0xF4);
        cpu.gpr[reg_EBX] = at;
        cpu.gpr[reg_EDX] = value;
        execute(code);
    }
    static constexpr u8 MOV = 0x89, ADD = 0x01;
};

TEST_F(CodePages, DataBesideCodeLeavesItsBlockAlone) {
    put_function(place + 8, 41);
    execute(place + 8);
    const Block* const before = block_at(place + 8);
    ASSERT_NE(before, nullptr);
    for (const u8 opcode : {MOV, ADD})
        for (const u32 at : {place + 4, place + 15, place + 100, place + 4092}) {
            const u32 held = get<u32>(at);
            store(opcode, at, 0x1234'5678);
            EXPECT_EQ(get<u32>(at), opcode == MOV ? 0x1234'5678 : held + 0x1234'5678);
        }
    EXPECT_EQ(block_at(place + 8), before);
    execute(place + 8);
    EXPECT_EQ(cpu.gpr[reg_EAX], 42u);
}

TEST_F(CodePages, EveryByteOfABlockIsWatched) {
    for (u32 byte = 0; byte < 7; ++byte) {
        put_function(place, 7);
        execute(place);
        ASSERT_NE(block_at(place), nullptr);
        cpu.memory.write({place + byte}, get<u8>(place + byte), 1);
        EXPECT_EQ(block_at(place), nullptr) << "byte " << byte;
    }
}

TEST_F(CodePages, APatchedImmediateIsExecuted) {
    u32 value = 7;
    put_function(place, value);
    for (u32 n = 0; n < 40; ++n) {
        execute(place);
        EXPECT_EQ(cpu.gpr[reg_EAX], value + 1);
        const bool adds = n % 2 != 0;
        store(adds ? ADD : MOV, place + 1, n);
        value = adds ? value + n : n;
    }
}

TEST_F(CodePages, OnlyTheBlocksThatHoldTheByteDie) {
    put_function(place, 7);
    put_function(place + 7, 9);
    execute(place);
    execute(place + 5); // its tail, as a block of its own
    execute(place + 7);
    const Block* const tail = block_at(place + 5);
    const Block* const neighbour = block_at(place + 7);
    store(MOV, place + 1, 70);
    EXPECT_EQ(block_at(place), nullptr);
    EXPECT_EQ(block_at(place + 5), tail);
    EXPECT_EQ(block_at(place + 7), neighbour);
    EXPECT_TRUE(cpu.blocks().holds(place + 5, 1)); // the bytes that both held are held still
    EXPECT_FALSE(cpu.blocks().holds(place, 5));
    cpu.memory.write({place + 6}, 0xF4, 1);
    EXPECT_EQ(block_at(place + 5), nullptr);
    EXPECT_EQ(block_at(place + 7), neighbour);
}

} // namespace

} // namespace truering::test
