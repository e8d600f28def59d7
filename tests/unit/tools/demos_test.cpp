#include "tools/truering/account_text.hpp"
#include "tools/truering/audit_table.hpp"
#include "tools/truering/bundled.hpp"
#include "tools/truering/demos.hpp"
#include "tools/truering/scratch_folder.hpp"
#include "tools/truering/values.hpp"

#include <gtest/gtest.h>

namespace truering {
namespace {

TEST(Demos, EveryNameIsListedAndAWrongOneGetsTheNearest) {
    for (const std::string& name : demo_names()) EXPECT_NE(demo_list().find(name), std::string::npos);
    EXPECT_EQ(demo_names().front(), "guest");
    try {
        static_cast<void>(run_demo("audti"));
        FAIL();
    } catch (const UsageError& error) {
        EXPECT_NE(std::string(error.what()).find("did you mean 'audit'"), std::string::npos);
    }
}

TEST(Demos, TheBundledDisksHaveBootSectors) {
    for (const auto disk : {bundled::demo_guest(), bundled::audit_guest(), bundled::probe_guest()}) {
        ASSERT_GE(disk.size(), 512u);
        EXPECT_EQ(disk[510] | disk[511] << 8, 0xAA55);
    }
}

TEST(Demos, ScratchFilesVanish) {
    std::string disk;
    {
        const ScratchFolder scratch;
        const unsigned char bytes[] = {1, 2};
        disk = scratch.put_disk("disk", bytes, 1024);
        EXPECT_EQ(std::filesystem::file_size(disk), 1024u);
    }
    EXPECT_FALSE(std::filesystem::exists(disk));
}

TEST(AccountText, ExplainsTheReasonsThatOccur) {
    const std::vector<std::string> lines{"Ringmaster: 60 exits, paged: IO 9", "Ringmaster's account: 200 exits",
                                         "reason           exits  share%",    "CPUID              151    47.4",
                                         "HLT                 49     1.5",    "real mode   121"};
    const std::string text = explain_account(lines);
    EXPECT_NE(text.find("CPUID             151  the VMM says"), std::string::npos) << text;
    EXPECT_NE(text.find("HLT"), std::string::npos);
    EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 3) << text;
    EXPECT_EQ(explain_account({}), "");
}

TEST(AuditTable, PutsTheSettingsSideBySide) {
    const AuditRun runs[] = {
        {"one", "The kernel runs.\r\nAUDIT ring3 SGDT WRONG sees 00001000 expects 00002000 the base\r\n"
                "AUDIT ring3 CLI traps sees #GP expects 00000000\r\n"},
        {"two", "AUDIT ringmaster SGDT right sees 00002000 expects 00002000 exit DT_STORE the base\n"}};
    const std::string table = audit_table(runs);
    EXPECT_NE(table.find("WRONG: 00001000  right (exit)"), std::string::npos) << table;
    EXPECT_EQ(table.find("CLI"), std::string::npos) << "a control";
    EXPECT_EQ(std::count(table.begin(), table.end(), '\n'), 2);
}

} // namespace
} // namespace truering
