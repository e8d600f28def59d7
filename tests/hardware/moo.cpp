#include "tests/hardware/moo.hpp"

#include <array>
#include <cstring>
#include <memory>
#include <span>
#include <stdexcept>
#include <zlib.h>

namespace truering::moo {

namespace {

std::vector<u8> decompressed(const std::string& path) {
    const std::unique_ptr<gzFile_s, int (*)(gzFile)> file(gzopen(path.c_str(), "rb"), gzclose);
    if (file == nullptr) throw std::runtime_error("cannot open " + path);
    std::vector<u8> data;
    std::array<u8, 65536> buffer;
    for (;;) {
        const int n = gzread(file.get(), buffer.data(), static_cast<unsigned>(buffer.size()));
        if (n < 0) throw std::runtime_error("cannot decompress " + path);
        if (n == 0) return data;
        data.insert(data.end(), buffer.begin(), buffer.begin() + n);
    }
}

class Reader {
  public:
    explicit Reader(std::span<const u8> data) : data_(data) {}

    [[nodiscard]] bool done() const { return data_.empty(); }

    template <class T> T take() {
        T value;
        const auto bytes = take(sizeof(T));
        std::memcpy(&value, bytes.data(), sizeof(T));
        return value;
    }

    std::span<const u8> take(size_t count) {
        if (count > data_.size()) throw std::runtime_error("a MOO chunk ends early");
        const auto part = data_.first(count);
        data_ = data_.subspan(count);
        return part;
    }

    std::string text(size_t count) {
        const auto part = take(count);
        return {part.begin(), part.end()};
    }

  private:
    std::span<const u8> data_;
};

constexpr std::array<const char*, 14> names_16 = {"AX", "BX", "CX", "DX", "CS", "SS", "DS",
                                                  "ES", "SP", "BP", "SI", "DI", "IP", "FLAGS"};
constexpr std::array<const char*, 20> names_32 = {"CR0", "CR3", "EAX", "EBX",    "ECX", "EDX", "ESI",
                                                  "EDI", "EBP", "ESP", "CS",     "DS",  "ES",  "FS",
                                                  "GS",  "SS",  "EIP", "EFLAGS", "DR6", "DR7"};

Registers registers_16(Reader r) {
    Registers registers;
    const u16 present = r.take<u16>();
    for (unsigned n = 0; n < names_16.size(); ++n)
        if (((present >> n) & 1) != 0) registers[names_16[n]] = r.take<u16>();
    return registers;
}

Registers registers_32(Reader r) {
    Registers registers;
    const u32 present = r.take<u32>();
    for (unsigned n = 0; n < names_32.size(); ++n)
        if (((present >> n) & 1) != 0) registers[names_32[n]] = r.take<u32>();
    return registers;
}

template <class Visit> void for_each_chunk(Reader r, Visit visit) {
    while (!r.done()) {
        const std::string name = r.text(4);
        visit(name, Reader(r.take(r.take<u32>())));
    }
}

MachineState state(Reader r) {
    MachineState s;
    for_each_chunk(r, [&](const std::string& name, Reader chunk) {
        if (name == "REGS")
            s.registers = registers_16(chunk);
        else if (name == "RG32")
            s.registers = registers_32(chunk);
        else if (name == "RMSK")
            s.masks = registers_16(chunk);
        else if (name == "RM32")
            s.masks = registers_32(chunk);
        else if (name == "RAM ") {
            for (u32 n = chunk.take<u32>(); n != 0; --n) {
                const u32 address = chunk.take<u32>();
                s.ram.push_back({address, chunk.take<u8>()});
            }
        }
    });
    return s;
}

Test test(Reader r) {
    Test t;
    t.index = r.take<u32>();
    for_each_chunk(r, [&](const std::string& name, Reader chunk) {
        if (name == "NAME") {
            t.name = chunk.text(chunk.take<u32>());
        } else if (name == "BYTS") {
            const auto bytes = chunk.take(chunk.take<u32>());
            t.bytes.assign(bytes.begin(), bytes.end());
        } else if (name == "INIT") {
            t.initial = state(chunk);
        } else if (name == "FINA") {
            t.final = state(chunk);
        } else if (name == "EXCP") {
            const u8 vector = chunk.take<u8>();
            t.exception = Exception{vector, chunk.take<u32>()};
        }
    });
    return t;
}

} // namespace

File read(const std::string& path) {
    const std::vector<u8> data = decompressed(path);
    File file;
    for_each_chunk(Reader(data), [&](const std::string& name, Reader chunk) {
        if (name == "MOO ") {
            chunk.take(4); // version, reserved
            chunk.take(4); // number of tests
            file.cpu = chunk.text(4);
        } else if (name == "RMSK") {
            file.masks = registers_16(chunk);
        } else if (name == "RM32") {
            file.masks = registers_32(chunk);
        } else if (name == "TEST") {
            file.tests.push_back(test(chunk));
        }
    });
    return file;
}

} // namespace truering::moo
