#include "tests/unit/machine/kernel_files.hpp"

#include <string_view>

namespace truering {
namespace {

constexpr u32 magic = 0x1BAD'B002;

class MultibootTest : public KernelBench {
  protected:
    // A flat file with address fields, its header at offset 16: loaded at 2 MiB, 64 bytes and as much bss again.
    static std::vector<u8> flat(u32 flags = 0x1'0003) {
        std::vector<u8> bytes(64, 0xEE);
        const u32 fields[] = {magic, flags, 0 - magic - flags, 0x20'0010, 0x20'0000, 0x20'0040, 0x20'0080, 0x20'0030};
        for (size_t n = 0; n < std::size(fields); ++n) set_field_32(bytes, 16 + 4 * n, fields[n]);
        return bytes;
    }

    // An ELF file with one segment of 16 bytes at 3 MiB, seen at C0300000H, bss of 16 bytes, and a header behind it.
    static std::vector<u8> elf(u32 entry) {
        std::vector<u8> bytes(128);
        const u8 ident[] = {0x7F, 'E', 'L', 'F', 1, 1, 1};
        std::copy(std::begin(ident), std::end(ident), bytes.begin());
        set_field_16(bytes, 16, 2); // executable
        set_field_16(bytes, 18, 3); // 386
        set_field_32(bytes, 24, entry);
        set_field_32(bytes, 28, 52); // program headers
        set_field_16(bytes, 42, 32);
        set_field_16(bytes, 44, 1);
        const u32 segment[] = {1, 96, 0xC030'0000, 0x30'0000, 16, 32, 7, 4096};
        for (size_t n = 0; n < std::size(segment); ++n) set_field_32(bytes, 52 + 4 * n, segment[n]);
        for (size_t n = 96; n < 112; ++n) bytes[n] = static_cast<u8>(n);
        return bytes;
    }

    std::string text_at(u32 address) {
        std::string text;
        for (u8 c = 0; (c = static_cast<u8>(memory.read(Physical{address}, 1))) != 0; ++address)
            text += static_cast<char>(c);
        return text;
    }
    u32 word_at(u32 address) { return memory.read(Physical{address}, 4); }
};

TEST_F(MultibootTest, AddressFieldsSayWhereItGoes) {
    memory.write(Physical{0x20'0040}, 0xFFFF'FFFF, 4);
    const auto kernel = open_kernel({put("k", flat()), "", {}});
    const KernelEntry entry = kernel->load(memory, map);
    EXPECT_EQ(entry.mode, KernelEntry::Mode::Protected);
    EXPECT_EQ(entry.eip, 0x20'0030u);
    EXPECT_EQ(entry.eax, 0x2BAD'B002u);
    EXPECT_EQ(word_at(0x20'0010), magic);
    EXPECT_EQ(word_at(0x20'0040), 0u) << "bss is cleared";
}

TEST_F(MultibootTest, TheInformationStructureTellsMemoryCommandLineAndModules) {
    const std::vector<u8> module(5000, 0x55);
    const std::string module_path = put("module", module);
    const auto kernel = open_kernel({put("k", flat()), "a=1 b", {module_path + " some args"}});
    const u32 info = kernel->load(memory, map).ebx;
    const u32 flags = word_at(info);
    EXPECT_EQ(flags & 0x4D, 0x4Du) << "memory, command line, modules, map";
    EXPECT_EQ(flags & 0x1000, 0u) << "no frame buffer is promised";
    EXPECT_EQ(word_at(info + 4), 0x9'F000u / 1024);
    EXPECT_EQ(word_at(info + 8), 0xF0'0000u / 1024);
    EXPECT_NE(text_at(word_at(info + 16)).find("a=1 b"), std::string::npos);
    ASSERT_EQ(word_at(info + 20), 1u);
    const u32 list = word_at(info + 24);
    const u32 start = word_at(list);
    EXPECT_EQ(start % 4096, 0u);
    EXPECT_GE(start, 0x20'0080u);
    EXPECT_EQ(word_at(list + 4) - start, 5000u);
    EXPECT_EQ(word_at(start), 0x5555'5555u);
    EXPECT_NE(text_at(word_at(list + 8)).find("some args"), std::string::npos);
    EXPECT_EQ(word_at(info + 44), 3u * 24) << "bytes of the map";
    const u32 second = word_at(info + 48) + 24;
    EXPECT_EQ(word_at(second), 20u);
    EXPECT_EQ(word_at(second + 4), 0x9'F000u);
    EXPECT_EQ(word_at(second + 20), 2u);
}

TEST_F(MultibootTest, ElfSegmentsAndEntryByEitherAddress) {
    for (const u32 entry : {0xC030'0004u, 0x30'0004u}) {
        const auto kernel = open_kernel({put("e", elf(entry)), "", {}});
        memory.write(Physical{0x30'0010}, 0xFFFF'FFFF, 4);
        EXPECT_EQ(kernel->load(memory, map).eip, 0x30'0004u);
        EXPECT_EQ(read(0x30'0000, 2), (std::vector<u8>{96, 97}));
        EXPECT_EQ(word_at(0x30'0010), 0u);
    }
}

TEST_F(MultibootTest, AskingForVideoIsNoError) { EXPECT_EQ(complaint({put("k", flat(0x1'0007)), "", {}}), "none"); }

TEST_F(MultibootTest, BadHeaders) {
    EXPECT_NE(complaint({put("k", flat(0x1'0013)), "", {}}).find("requires"), std::string::npos);
    std::vector<u8> truncated = flat();
    truncated.resize(50);
    EXPECT_NE(complaint({put("k", truncated), "", {}}).find("truncated"), std::string::npos);
    EXPECT_NE(complaint({put("k", flat(0x3)), "", {}}).find("addresses"), std::string::npos);
    std::vector<u8> bad = flat();
    set_field_32(bad, 16 + 12, 0x10'0000); // the header before the load address
    EXPECT_NE(complaint({put("k", bad), "", {}}), "none");
    std::vector<u8> cut = elf(0x30'0000);
    cut.resize(100);
    EXPECT_NE(complaint({put("k", cut), "", {}}).find("truncated"), std::string::npos);
    const std::vector<u8> text{'#', '!', '/', 'b', 'i', 'n'};
    EXPECT_NE(complaint({put("k", text), "", {}}).find("no kernel"), std::string::npos);
    EXPECT_NE(complaint({put("k", {}), "", {}}).find("empty"), std::string::npos);
    EXPECT_NE(complaint({folder.string(), "", {}}).find("folder"), std::string::npos);
    EXPECT_NE(complaint({(folder / "absent").string(), "", {}}).find("no such"), std::string::npos);
}

TEST_F(MultibootTest, NoMemoryWhereItWantsToBe) {
    std::vector<u8> high = flat();
    for (const size_t field : {12, 16, 20, 24, 28})
        set_field_32(high, 16 + field, field_32(high, 16 + field) + 0x1000'0000);
    const auto kernel = open_kernel({put("k", high), "", {}});
    EXPECT_THROW((void)kernel->load(memory, map), KernelError);
}

} // namespace
} // namespace truering
