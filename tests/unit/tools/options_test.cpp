#include "tools/truering/option_table.hpp"
#include "tools/truering/options.hpp"

#include <gtest/gtest.h>

#include <cstdio>
#include <fstream>
#include <set>

namespace truering {
namespace {

using Words = std::vector<std::string>;

std::string complaint(const Words& words) {
    try {
        (void)parse_options(words);
    } catch (const UsageError& error) {
        return error.what();
    }
    return "none";
}

TEST(Options, ImagesWithAndWithoutAPlace) {
    const Settings s = parse_options({"a.img", "hd1=b.img", "cd0=c.iso", "fd0=d.img", "odd=name.img"});
    ASSERT_EQ(s.pc.drives.size(), 5u);
    EXPECT_EQ(s.pc.drives[0].file, "a.img");
    EXPECT_FALSE(s.pc.drives[0].kind.has_value());
    EXPECT_EQ(s.pc.drives[1].index, 1u);
    EXPECT_EQ(s.pc.drives[1].kind, MediumKind::HardDisk);
    EXPECT_EQ(s.pc.drives[2].index, 2u);
    EXPECT_EQ(s.pc.drives[2].kind, MediumKind::CdRom);
    EXPECT_EQ(s.pc.drives[3].kind, MediumKind::Floppy);
    EXPECT_EQ(s.pc.drives[4].file, "odd=name.img");
}

TEST(Options, MemoryIsInMebibytesUnlessSaid) {
    EXPECT_EQ(parse_options({"-m", "64"}).pc.memory, u64{64} << 20);
    EXPECT_EQ(parse_options({"-m64"}).pc.memory, u64{64} << 20);
    EXPECT_EQ(parse_options({"--memory=1G"}).pc.memory, u64{1} << 30);
    EXPECT_EQ(parse_options({"-m", "2048K"}).pc.memory, u64{2} << 20);
    EXPECT_NE(complaint({"-m", "64X"}), "none");
    EXPECT_NE(complaint({"-m", "8G"}), "none");
    EXPECT_NE(complaint({"-m", "-5"}), "none");
    EXPECT_NE(complaint({"-m", "nan"}), "none");
}

TEST(Options, QemusWords) {
    const Settings s = parse_options({"-hda",      "x,y.img",    "-cdrom",
                                      "c.iso",     "-fda",       "f.img",
                                      "-boot",     "d",          "-m",
                                      "32",        "-nographic", "-no-reboot",
                                      "-snapshot", "-smp",       "1",
                                      "-kernel",   "k",          "-append",
                                      "-s root=1", "-device",    "isa-debug-exit,iobase=0xf4,iosize=0x04"});
    ASSERT_EQ(s.pc.drives.size(), 3u);
    EXPECT_EQ(s.pc.drives[0].file, "x,y.img");
    EXPECT_EQ(s.pc.drives[1].index, 2u);
    EXPECT_EQ(s.pc.drives[2].kind, MediumKind::Floppy);
    EXPECT_EQ(s.pc.boot, std::vector<BootDevice>{BootDevice::CdRom});
    EXPECT_EQ(s.display, DisplayKind::None);
    EXPECT_EQ(s.serial[0], "stdio");
    EXPECT_EQ(s.on[static_cast<unsigned>(GuestEvent::Reset)], Action::Exit);
    EXPECT_TRUE(s.snapshot);
    EXPECT_EQ(s.append, "-s root=1");
    EXPECT_EQ(s.pc.debug_exit_port, 0xF4);
    EXPECT_EQ(s.pc.debug_exit_ports, 4);
}

TEST(Options, QemusDrives) {
    const Settings s = parse_options({"-drive", "file=a.img,format=raw,if=ide,index=1,media=disk,snapshot=on", "-drive",
                                      "if=floppy,file=b.img,readonly=on"});
    EXPECT_EQ(s.pc.drives[0].index, 1u);
    EXPECT_EQ(s.pc.drives[0].mode, MediumMode::Snapshot);
    EXPECT_EQ(s.pc.drives[0].format, ImageFormat::Raw);
    EXPECT_EQ(s.pc.drives[1].mode, MediumMode::ReadOnly);
    EXPECT_EQ(s.pc.drives[1].kind, MediumKind::Floppy);
}

TEST(Options, WrongWordsGetTheNearestName) {
    EXPECT_NE(complaint({"--memroy", "3"}).find("--memory"), std::string::npos);
    EXPECT_NE(complaint({"-nographics"}).find("-nographic"), std::string::npos);
    EXPECT_NE(complaint({"--cpu", "pentum"}).find("pentium"), std::string::npos);
    EXPECT_NE(complaint({"--cpu", "pentium3,+ssee2"}).find("sse2"), std::string::npos);
    EXPECT_NE(complaint({"--drive", "fil=x"}).find("file"), std::string::npos);
}

TEST(Options, NoGuessingOfAbbreviations) {
    EXPECT_NE(complaint({"--snap"}), "none");
    EXPECT_NE(complaint({"-mem", "3", "d.img"}), "none");
}

TEST(Options, MissingAndSuperfluousValues) {
    EXPECT_NE(complaint({"--memory"}), "none");
    EXPECT_NE(complaint({"-hda"}), "none");
    EXPECT_NE(complaint({"--snapshot=maybe"}), "none");
    EXPECT_NE(complaint({"--smp", "2"}), "none");
    EXPECT_NE(complaint({"--until", "("}), "none");
    EXPECT_NE(complaint({"-s"}).find("not there yet"), std::string::npos);
}

TEST(Options, MomentsBehindTheLastAt) {
    const Settings s = parse_options({"--type", "root\\n@text:login: $", "--type", "me@home", "--type", "x@1.5s",
                                      "--screenshot", "a.png@3e6i", "--screenshot", "b.png"});
    EXPECT_EQ(s.types[0].text, "root\\n");
    EXPECT_EQ(s.types[0].when.text, "login: $");
    EXPECT_EQ(s.types[1].text, "me@home");
    EXPECT_EQ(s.types[2].when.time, 1'500'000'000u);
    EXPECT_EQ(s.screenshots[0].when.instructions, 3'000'000u);
    EXPECT_EQ(s.screenshots[1].when.kind, When::Kind::Exit);
}

TEST(Options, ProcessorFeaturesAndSpeed) {
    const Settings s = parse_options({"--cpu", "pentium2,+sse,-pae,mhz=133"});
    EXPECT_TRUE(s.pc.cpu.features.has(Feature::SSE));
    EXPECT_FALSE(s.pc.cpu.features.has(Feature::PAE));
    EXPECT_EQ(s.pc.tsc_mhz, 133u);
    EXPECT_EQ(s.pc.mips, 133u);
}

TEST(Options, V32ModeNeedsControlRegister4AndMsrs) {
    const auto has = [](const char* cpu, Feature feature) {
        return parse_options({"--cpu", cpu}).pc.cpu.features.has(feature);
    };
    EXPECT_FALSE(has("pentium3,v32=off", Feature::V32));
    EXPECT_TRUE(has("pentium3,v32=off,+v32", Feature::V32)) << "the last word counts";
    EXPECT_TRUE(has("v32=on", Feature::V32)) << "on the default model";
    EXPECT_FALSE(has("-v32", Feature::V32));
    EXPECT_FALSE(has("pentium,-msr", Feature::V32));
    EXPECT_FALSE(has("i486", Feature::V32));
    EXPECT_TRUE(has("pentium4,umip=on", Feature::UMIP));
    EXPECT_FALSE(has("pentium4,umip=on,umip=off", Feature::UMIP));
    EXPECT_NE(complaint({"--cpu", "i486,v32=on"}).find("pentium or later, not i486"), std::string::npos);
    EXPECT_NE(complaint({"--cpu", "pentium,+v32,-msr"}).find("without msr"), std::string::npos);
    EXPECT_NE(complaint({"--cpu", "pentium,v32=maybe"}).find("neither on nor off"), std::string::npos);
    EXPECT_NE(complaint({"--cpu", "pentium,v23=on"}).find("did you mean 'v32'"), std::string::npos);
    EXPECT_NE(complaint({"--cpu", "pentium,umpi=on"}).find("did you mean 'umip'"), std::string::npos);
}

TEST(Options, AVmmIsOursOrAFileInTheSameWord) {
    const Settings ours = parse_options({"--vmm", "disk.img"});
    EXPECT_EQ(ours.vmm, Settings::bundled_vmm);
    ASSERT_EQ(ours.pc.drives.size(), 1u) << "the next word is an image";
    EXPECT_EQ(parse_options({"--vmm=other.elf"}).vmm, "other.elf");
    EXPECT_EQ(parse_options({"--vmm", "--vmm=none"}).vmm, "");
    EXPECT_EQ(parse_options({"--vmm", "--vmm-append", "--odd -words"}).vmm_append, "--odd -words");
    EXPECT_FALSE(ours.vmm_log_given);
    EXPECT_TRUE(parse_options({"--vmm-log", "null"}).vmm_log_given);
    EXPECT_NE(complaint({"--vmm-log", "nowhere"}).find("known: stdio"), std::string::npos);
    EXPECT_NE(complaint({"--vnm"}).find("'--vmm'"), std::string::npos);
    EXPECT_EQ(dump_config({"--vmm", "a.img"}), "vmm = on\nimage = a.img\n");
}

TEST(Options, Dates) {
    EXPECT_EQ(parse_date("2000-01-01"), 946'684'800u);
    EXPECT_EQ(parse_date("2024-02-29T23:59:58"), 1'709'251'198u);
    EXPECT_THROW((void)parse_date("2000-13-01"), UsageError);
    EXPECT_THROW((void)parse_date("yesterday"), UsageError);
}

TEST(Options, AConfigurationFileComesBeforeTheCommandLine) {
    const std::string path = ::testing::TempDir() + "truering-options-test.conf";
    std::ofstream(path) << "# a machine\nmemory = 32\nsnapshot = on\nimage = disk.img\nnographic = off\n";
    const Settings s = parse_options({"-m", "48", "--config", path});
    EXPECT_EQ(s.pc.memory, u64{48} << 20);
    EXPECT_TRUE(s.snapshot);
    EXPECT_EQ(s.display, DisplayKind::Automatic);
    EXPECT_EQ(s.pc.drives[0].file, "disk.img");
    EXPECT_EQ(dump_config({"--config", path, "-v"}), "memory = 32\nsnapshot = on\nimage = disk.img\nverbose = on\n");
    std::ofstream(path) << "memmory = 32\n";
    EXPECT_NE(complaint({"--config", path}).find("memory"), std::string::npos);
    std::remove(path.c_str());
}

TEST(Options, TheTableHasNoDoubles) {
    std::set<std::string_view> names;
    std::set<char> letters;
    for (const OptionRow& row : option_table()) {
        EXPECT_TRUE(names.insert(row.name).second) << row.name;
        if (row.letter != 0) {
            EXPECT_TRUE(letters.insert(row.letter).second) << row.name;
        }
        EXPECT_NE(help_text().find("--" + std::string(row.name)), std::string::npos);
    }
}

} // namespace
} // namespace truering
