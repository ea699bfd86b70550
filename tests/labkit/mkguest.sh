#!/bin/bash
# mkguest.sh DIR: makes DIR/vmlinuz and DIR/initrd.gz, a tiny Linux guest with a login on ttyS0 that obeys the
# ACPI power button. The kernel is Debian's newest for amd64, downloaded and unpacked, not installed.
# Kernel parameter `noipmi` keeps the guest from looking for a BMC, `name=X` names it.
set -eu
cd "$1"
newest() { apt-cache depends linux-image-amd64 2>/dev/null | sed -n 's/.*Depends: \(linux-image-[0-9].*-amd64\).*/\1/p' | head -n1; }
image=$(newest)
if [ -z "$image" ]; then
    apt-get -qq update
    image=$(newest)
fi
# A stale package list names a version that the mirror no longer has.
apt-get -qq -o APT::Sandbox::User=root download "$image" ||
    { apt-get -qq update; image=$(newest); apt-get -qq -o APT::Sandbox::User=root download "$image"; }
dpkg -x linux-image-*.deb kernel
version=$(ls kernel/lib/modules)
drivers=kernel/lib/modules/$version/kernel/drivers
cp "kernel/boot/vmlinuz-$version" vmlinuz

root=initrd
mkdir -p $root/{bin,proc,sys,dev,modules,etc/acpi/PWRF}
cp /bin/busybox $root/bin/busybox
for module in char/ipmi/ipmi_msghandler char/ipmi/ipmi_devintf char/ipmi/ipmi_si acpi/button input/evdev; do
    cp "$drivers/$module.ko" $root/modules/
done
cat > $root/init <<'INIT'
#!/bin/busybox sh
/bin/busybox --install -s /bin
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t devtmpfs dev /dev
for module in button evdev; do insmod /modules/$module.ko; done
grep -q noipmi /proc/cmdline || for module in ipmi_msghandler ipmi_devintf ipmi_si; do insmod /modules/$module.ko; done
printf '#!/bin/sh\npoweroff -f\n' > /etc/acpi/PWRF/00000080
chmod +x /etc/acpi/PWRF/00000080
acpid -d -l /dev/null >/dev/null 2>&1 &
hostname "$(sed -n 's/.*name=\([a-z0-9]*\).*/\1/p' /proc/cmdline)"
# The power button works once acpid has opened its device: only then is the guest "up".
for _ in $(seq 100); do
    ls -l /proc/$!/fd | grep -q /dev/input/event && break
    usleep 20000
done
echo "LAB-GUEST-UP uptime $(cut -d' ' -f1 /proc/uptime)"
while :; do
    setsid -c sh -c 'echo; printf "%s login: " "$(hostname)"; read user; echo "Welcome $user"; exec sh -i' </dev/ttyS0 >/dev/ttyS0 2>&1
done
INIT
chmod +x $root/init
(cd $root && find . | cpio -o -H newc --quiet | gzip -9) > initrd.gz
