// A directory for one test of media, with files made in it, and the messages that the media sent.
#pragma once

#include "base/types.hpp"
#include "machine/media/media_error.hpp"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <unistd.h>
#include <vector>

namespace truering {

struct MediaBench : ::testing::Test {
    std::filesystem::path directory;
    std::vector<std::string> messages;
    MessageSink sink = [this](const std::string& line) { messages.push_back(line); };

    MediaBench() {
        std::string name = (std::filesystem::temp_directory_path() / "truering-test-XXXXXX").string();
        directory = ::mkdtemp(name.data());
    }
    ~MediaBench() override { std::filesystem::remove_all(directory); }

    [[nodiscard]] std::string path(const std::string& name) const { return (directory / name).string(); }

    std::string make(const std::string& name, const std::vector<u8>& bytes) const {
        std::ofstream(path(name), std::ios::binary)
            .write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
        return path(name);
    }
    std::string make_sized(const std::string& name, u64 bytes) const {
        make(name, {});
        std::filesystem::resize_file(path(name), bytes);
        return path(name);
    }
    [[nodiscard]] std::vector<u8> contents(const std::string& name) const {
        std::ifstream file(path(name), std::ios::binary);
        const std::string text((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
        return {text.begin(), text.end()};
    }
};

// What the call throws; "" for nothing.
template <class Call> std::string media_error(MediaError::Cause cause, Call call) {
    try {
        call();
    } catch (const MediaError& error) {
        EXPECT_EQ(error.cause(), cause) << error.what();
        return error.what();
    }
    ADD_FAILURE() << "nothing was thrown";
    return "";
}

} // namespace truering
