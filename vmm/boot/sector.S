/* The boot sector of ringmaster.img: the first thing that runs when a machine boots Ringmaster from a floppy or a disk.

   It moves itself out of the way of a guest's boot sector, reads the rest of the image (loader.S, then Ringmaster's ELF
   file) to 10000H by INT 13H, a track at a time, and goes there. CHS serves floppies and disks alike.

   The guest boots by the same BIOS, which may well come by here again, after the guest's reset at the latest. The
   processor tells that Ringmaster runs already (CPUID, vmm/hypercall.h); then the sector steps aside: to the second
   disk's boot sector when this is the first disk, as a BIOS boots no second disk by itself; else, or when that fails, to
   the next device by INT 18H. */
#include "vmm/hypercall.h"

        .set    HERE, 0x7c00                    /* where the BIOS puts a boot sector */
        .set    BUFFER, 0x1000                  /* as a segment */
        .set    DMA_SECTORS, 128                /* a floppy's DMA cannot cross a boundary of 64 KiB */
        .set    BDA_DISKS, 0x475                /* how many disks there are */
        .set    FIRST_DISK, 0x80
        .set    EFLAGS_ID, 0x200000

        .code16
        .section .sector, "awx"
        .globl  sector
sector: cli
        xor     %ax, %ax
        mov     %ax, %ds
        mov     %ax, %es
        mov     %ax, %ss
        mov     $HERE, %sp
        sti
        cld
        mov     $HERE, %si
        mov     $sector, %di
        mov     $256, %cx
        rep movsw
        ljmp    $0, $moved

moved:  mov     %dl, drive
        pushfl                                  /* a processor without CPUID has no Ringmaster */
        pop     %eax
        mov     %eax, %ecx
        xor     $EFLAGS_ID, %eax
        push    %eax
        popfl
        pushfl
        pop     %eax
        cmp     %ecx, %eax
        je      load
        mov     $RINGMASTER_CPUID_LEAF, %eax
        cpuid
        cmp     $RINGMASTER_SIGNATURE_EBX, %ebx
        jne     load
        cmp     $RINGMASTER_SIGNATURE_ECX, %ecx
        jne     load
        cmp     $RINGMASTER_SIGNATURE_EDX, %edx
        je      step_aside

load:   mov     drive, %dl
        mov     $8, %ah                         /* drive parameters */
        xor     %di, %di
        int     $0x13
        jc      failed
        and     $0x3f, %cx
        jz      failed
        mov     %cx, track_sectors
        mov     %dh, %dl
        mov     $0, %dh
        inc     %dx
        mov     %dx, heads
        mov     $BUFFER, %ax
        mov     %ax, %es
        mov     $1, %si                         /* the sector to read, counted from 0 */

read:   mov     $image_sectors, %di             /* as many as are left of the image, */
        sub     %si, %di
        jz      done
        mov     %si, %ax
        xor     %dx, %dx
        divw    track_sectors
        mov     track_sectors, %cx              /* of the track, */
        sub     %dx, %cx
        cmp     %cx, %di
        jb      1f
        mov     %cx, %di
1:      mov     %es, %cx                        /* and up to the DMA's boundary */
        shr     $5, %cx
        and     $DMA_SECTORS - 1, %cx
        sub     $DMA_SECTORS, %cx
        neg     %cx
        cmp     %cx, %di
        jb      2f
        mov     %cx, %di
2:      mov     %dx, %cx                        /* AX: track over all heads; CX: sector within it */
        inc     %cx
        xor     %dx, %dx
        divw    heads
        mov     %dl, %dh                        /* head */
        mov     drive, %dl
        mov     %al, %ch                        /* cylinder [7:0], */
        shl     $6, %ah
        or      %ah, %cl                        /* [9:8] */
        xor     %bx, %bx
        mov     %di, %ax
        mov     $2, %ah
        int     $0x13
        jc      failed
        add     %di, %si
        shl     $5, %di
        mov     %es, %ax
        add     %di, %ax
        mov     %ax, %es
        jmp     read

done:   mov     drive, %dl
        ljmp    $BUFFER, $0                     /* loader.S */

step_aside:
        cmpb    $FIRST_DISK, drive
        jne     next
        cmpb    $2, BDA_DISKS
        jb      next
        mov     $0x0201, %ax
        mov     $HERE, %bx
        mov     $1, %cx
        mov     $FIRST_DISK + 1, %dx
        push    %dx
        int     $0x13
        pop     %dx
        jc      next
        cmpw    $0xaa55, HERE + 510
        jne     next
        ljmp    $0, $HERE
next:   int     $0x18

failed: mov     $message, %si
1:      lodsb
        test    %al, %al
        jz      next
        mov     $0x0e, %ah
        mov     $7, %bx
        int     $0x10
        jmp     1b

message:
        .asciz  "Ringmaster cannot be read from this drive.\r\n"
drive:  .byte   0
track_sectors:
        .word   0
heads:  .word   0

        .org    510
        .word   0xaa55

        .section .note.GNU-stack, "", @progbits
