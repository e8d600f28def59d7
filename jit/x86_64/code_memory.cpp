#include "jit/x86_64/code_memory.hpp"

#include <cerrno>
#include <sys/mman.h>
#include <system_error>
#include <unistd.h>

namespace truering {

namespace {

u8* map(int file, size_t bytes, int protection) {
    void* const at = mmap(nullptr, bytes, protection, MAP_SHARED, file, 0);
    if (at == MAP_FAILED) throw std::system_error(errno, std::generic_category(), "memory for translated code");
    return static_cast<u8*>(at);
}

} // namespace

CodeMemory::CodeMemory(size_t bytes) : bytes_(bytes) {
    const int file = memfd_create("translated code", MFD_CLOEXEC);
    if (file < 0 || ftruncate(file, static_cast<off_t>(bytes)) != 0)
        throw std::system_error(errno, std::generic_category(), "memory for translated code");
    write_ = map(file, bytes, PROT_READ | PROT_WRITE);
    execute_ = map(file, bytes, PROT_READ | PROT_EXEC);
    close(file);
}

CodeMemory::~CodeMemory() {
    munmap(write_, bytes_);
    munmap(execute_, bytes_);
}

} // namespace truering
