// What a guest may ask Ringmaster by V32CALL (0F 04 C1), and how it knows that Ringmaster is there. For C++ and assembler.
//
// From CPL 0 (real mode included), the function's number in EAX:
//   RINGMASTER_SAY_ACCOUNT   prints the account of exits. Returns EAX=0.
//   RINGMASTER_COUNT_EXITS   ECX: an exit reason (docs/v32.md, 8). Returns EAX: exits of that reason, EDX: exits of all.
//   RINGMASTER_GET_VERSION   returns EAX: RINGMASTER_VERSION.
//   any other                returns EAX=FFFFFFFFH.
// From CPL 1 to 3 every call returns EAX=FFFFFFFFH. No other register changes.
// CPUID with EAX=RINGMASTER_CPUID_LEAF answers "Ringmaster  " in EBX, ECX, EDX.
#ifndef TRUERING_VMM_HYPERCALL_H
#define TRUERING_VMM_HYPERCALL_H

#define RINGMASTER_SAY_ACCOUNT 0x524D0000
#define RINGMASTER_COUNT_EXITS 0x524D0001
#define RINGMASTER_GET_VERSION 0x524D0002
#define RINGMASTER_NO_SUCH_CALL 0xFFFFFFFF

#define RINGMASTER_VERSION 1

#define RINGMASTER_CPUID_LEAF 0x40000000
#define RINGMASTER_SIGNATURE_EBX 0x676E6952 // "Ring"
#define RINGMASTER_SIGNATURE_ECX 0x7473616D // "mast"
#define RINGMASTER_SIGNATURE_EDX 0x20207265 // "er  "

#endif
