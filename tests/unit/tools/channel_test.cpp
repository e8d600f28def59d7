#include "tools/truering/channel.hpp"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

namespace truering {
namespace {

namespace fs = std::filesystem;

class ChannelTest : public ::testing::Test {
  protected:
    void SetUp() override {
        std::string pattern = (fs::temp_directory_path() / "channel-XXXXXX").string();
        ASSERT_NE(mkdtemp(pattern.data()), nullptr);
        folder = pattern;
    }
    void TearDown() override { fs::remove_all(folder); }

    static void say(Channel& channel, const std::string& text) {
        for (const char c : text) channel.transmit(static_cast<u8>(c));
        channel.flush();
    }

    fs::path folder;
};

TEST_F(ChannelTest, AFileGetsWhatIsWritten) {
    const fs::path path = folder / "out";
    {
        const auto channel = open_channel("file:" + path.string(), "--serial");
        say(*channel, "one\ntwo");
        EXPECT_TRUE(channel->receive(10).empty());
    }
    std::ifstream file(path);
    EXPECT_EQ(std::string(std::istreambuf_iterator<char>(file), {}), "one\ntwo");
}

TEST_F(ChannelTest, AServerTakesOnePeerAfterAnother) {
    const std::string path = (folder / "socket").string();
    const auto channel = open_channel("unix:" + path + ",server", "--serial");
    say(*channel, "nobody hears this");
    for (int round = 0; round < 2; ++round) {
        const int peer = ::socket(AF_UNIX, SOCK_STREAM, 0);
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        path.copy(address.sun_path, sizeof address.sun_path - 1);
        ASSERT_EQ(::connect(peer, reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
        ASSERT_EQ(::write(peer, "in", 2), 2);
        EXPECT_EQ(channel->receive(10), (std::vector<u8>{'i', 'n'}));
        say(*channel, "out");
        char bytes[8] = {};
        EXPECT_EQ(::read(peer, bytes, sizeof bytes), 3);
        EXPECT_STREQ(bytes, "out");
        ::close(peer);
        EXPECT_TRUE(channel->receive(10).empty());
    }
}

TEST_F(ChannelTest, WhatCannotBeOpenedIsSaid) {
    EXPECT_EQ(open_channel("", "--serial"), nullptr);
    EXPECT_THROW((void)open_channel("file:" + (folder / "no" / "where").string(), "--serial"), ChannelError);
    EXPECT_THROW((void)open_channel("unix:" + (folder / "absent").string(), "--serial"), ChannelError);
    EXPECT_THROW((void)open_channel("tcp:nonsense", "--serial"), ChannelError);
    EXPECT_THROW((void)open_channel("carrier-pigeon", "--serial"), ChannelError);
}

} // namespace
} // namespace truering
