#include "tools/truering/commands.hpp"
#include "tools/truering/values.hpp"

#include <gtest/gtest.h>

#include <cstdio>
#include <fstream>

namespace truering {
namespace {

TEST(Commands, ListsNameWhatOptionsTake) {
    EXPECT_NE(list_text("cpus").find("pentium3"), std::string::npos);
    EXPECT_NE(list_text("keys").find("enter"), std::string::npos);
    EXPECT_NE(list_text("firmware").find("bios-256k.bin"), std::string::npos);
    EXPECT_NE(list_text("devices").find("82078"), std::string::npos);
    EXPECT_THROW((void)list_text("cpu"), UsageError);
}

TEST(Commands, TheCompletionsAreAScript) {
    const std::string path = ::testing::TempDir() + "truering-completions.bash";
    std::ofstream(path) << completions_text("bash")
                        << "COMP_WORDS=(truering --mem) COMP_CWORD=1; _truering; [[ ${COMPREPLY[*]} == --memory ]]\n";
    EXPECT_EQ(std::system(("bash " + path).c_str()), 0);
    std::remove(path.c_str());
    EXPECT_THROW((void)completions_text("tcsh"), UsageError);
}

} // namespace
} // namespace truering
