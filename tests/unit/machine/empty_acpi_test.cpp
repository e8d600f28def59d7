#include "machine/empty_acpi.hpp"
#include "machine/kernel_image.hpp"

#include <gtest/gtest.h>

#include <numeric>

namespace truering {
namespace {

// Executes the script as the firmware does, with the tables at 7FF0000H.
TEST(EmptyAcpi, TheScriptMakesAValidRootPointer) {
    PhysicalMemory memory(1 << 20);
    FwCfg fw_cfg(memory);
    add_empty_acpi(fw_cfg);
    constexpr u32 tables_at = 0x7FF'0000;
    std::vector<u8> pointer = *fw_cfg.file("etc/acpi/rsdp");
    const std::vector<u8>& tables = *fw_cfg.file("etc/acpi/tables");
    const std::vector<u8>& script = *fw_cfg.file("etc/table-loader");
    ASSERT_EQ(script.size() % 128, 0u);
    for (size_t at = 0; at < script.size(); at += 128) {
        const u32 command = field_32(script, at);
        if (command == 2) {
            const u32 offset = field_32(script, at + 116);
            set_field_32(pointer, offset, field_32(pointer, offset) + tables_at);
        }
        if (command == 3) {
            const auto first = pointer.begin() + field_32(script, at + 64);
            const u32 sum = std::accumulate(first, first + field_32(script, at + 68), 0u);
            pointer[field_32(script, at + 60)] = static_cast<u8>(pointer[field_32(script, at + 60)] - sum);
        }
    }
    EXPECT_EQ(std::accumulate(pointer.begin(), pointer.end(), 0u) & 0xFF, 0u);
    EXPECT_EQ(field_32(pointer, 16), tables_at);
    EXPECT_EQ(std::string(tables.begin(), tables.begin() + 4), "RSDT");
    EXPECT_EQ(field_32(tables, 4), tables.size());
    EXPECT_EQ(std::accumulate(tables.begin(), tables.end(), 0u) & 0xFF, 0u);
}

} // namespace
} // namespace truering
