#include "tools/truering/bundled.hpp"

#if defined(__APPLE__) || defined(_WIN32)
#error "the assembler's directives below are ELF's"
#endif

// A macro, as the assembler wants names and file in one text.
#define BUNDLE(name, file)                                                                                             \
    asm(".section .rodata\n"                                                                                           \
        ".globl truering_" #name "_begin, truering_" #name "_end\n"                                                    \
        ".balign 16\n"                                                                                                 \
        "truering_" #name "_begin: .incbin \"" file "\"\n"                                                             \
        "truering_" #name "_end:\n"                                                                                    \
        ".previous\n");                                                                                                \
    extern "C" const unsigned char truering_##name##_begin[], truering_##name##_end[];                                 \
    namespace truering::bundled {                                                                                      \
    std::span<const u8> name() { return {truering_##name##_begin, truering_##name##_end}; }                            \
    }

BUNDLE(ringmaster, TRUERING_RINGMASTER)
BUNDLE(nested_vmms, TRUERING_NESTED_VMMS)
BUNDLE(demo_guest, TRUERING_DEMO_GUEST)
BUNDLE(audit_guest, TRUERING_AUDIT_GUEST)
BUNDLE(probe_guest, TRUERING_PROBE_GUEST)
