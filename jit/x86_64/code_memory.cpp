#include "jit/x86_64/code_memory.hpp"

#include <cerrno>
#include <sys/mman.h>
#include <system_error>
#include <unistd.h>

namespace truering {

namespace {

[[noreturn]] void fail() { throw std::system_error(errno, std::generic_category(), "no memory for translated code"); }

u8* map(int file, size_t bytes, int protection, int flags) {
    void* const at = mmap(nullptr, bytes, protection, MAP_SHARED | flags, file, 0);
    if (at == MAP_FAILED) fail();
    return static_cast<u8*>(at);
}

} // namespace

CodeMemory::CodeMemory(size_t bytes) : bytes_(bytes) {
    const int file = memfd_create("translated code", MFD_CLOEXEC);
    if (file < 0 || ftruncate(file, static_cast<off_t>(bytes)) != 0) fail();
    write_ = map(file, bytes, PROT_READ | PROT_WRITE, 0);
    execute_ = map(file, bytes, PROT_READ | PROT_EXEC, MAP_32BIT);
    close(file);
}

CodeMemory::~CodeMemory() {
    munmap(write_, bytes_);
    munmap(execute_, bytes_);
}

} // namespace truering
