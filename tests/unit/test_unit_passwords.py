"""Passwords and tokens in command lines: those that a name or a program tells are hidden, and nothing else."""

from __future__ import annotations

import pytest

from nicassh.model.text import redact

X = "geheim1"
JWT = "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJtZXJ6In0.c2lnbmF0dXJl"


@pytest.mark.parametrize(
    "command",
    [
        f"curl -su merz:{X} u", f"curl --user merz:{X} u", f"curl --user=merz:{X} u", f"curl --proxy-user merz:{X} u",
        f"curl -H Authorization: Bearer {X} u", f"curl -H 'Authorization: Bearer {X}' u",
        f'curl -H "Authorization: Basic {X}" u', f"curl -HAuthorization: token {X} u",
        f"curl -H Proxy-Authorization: Basic {X} u", f"curl -H Authorization: {X} u", f"curl -H Cookie: a={X} u",
        f"curl -H 'PRIVATE-TOKEN: {X}' u", f"curl -H X-Api-Key: {X} u",
        f"mysql -p{X} db", f"mysqldump -umerz -p{X} --all", f"sh -c mysql -p{X}", f'su -c "mysql -p{X}"',
        f"mongo -u root -p {X}", f"redis-cli -h h -a {X} ping", f"redis-cli --pass {X}",
        f"sshpass -v -p {X} ssh nc2", f"docker login -u merz -p {X}", f"docker run --env=DB_PASSWORD={X} image",
        f"7z x -p{X} a.7z", f"unzip -P {X} a.zip", f"ipmitool -I lanplus -H h -U admin -P {X} power status",
        f"ldapsearch -x -w {X}", f"snmpwalk -v2c -c {X} h", f"smbclient //h/s -U merz%{X}", f"lftp -u merz,{X} h",
        f"openssl enc -pass pass:{X}", f"openssl enc -k {X}", f"xfreerdp /u:x /p:{X} /v:h",
        f"java -Djavax.net.ssl.keyStorePassword={X} Main", f"java -Ddb.password={X} Main",
        f"jupyter-lab --IdentityProvider.token={X}", f"jupyter lab --ServerApp.password {X}",
        f"mount -t cifs //h/s /m -o username=x,pass={X},uid=1", f"x --db-pass={X}", f"x --pass {X}", f"x --pwd {X}",
        f"x --access-key={X}", f"x --credentials=merz:{X}", f"AWS_SECRET_ACCESS_KEY={X} aws s3 ls", f"GITHUB_PAT={X} x",
        f"x --password '{X} {X}' y", f'x --password="{X} {X}" y', f'x {{"password": "{X}"}}', f'x {{"token":"{X}"}}',
        f"bash -c \"PASSWORD='{X}' run\"", f"x --password=a@{X}", f"ansible-playbook -e ansible_become_pass={X}",
        f"psql postgres://u:a/b@{X}@host/db", f"celery -b redis://:{X}@host/0", f"x http://127.0.0.1:80/ ftp://u:{X}@h",
        f"xrdcp root://h//f?authz={X} /tmp", f"xrdcp root://h//f?a=Bearer%20{JWT.replace('geheim', '')}{X} /tmp",
        f"git clone https://ghp_{'a' * 30}{X}@github.com/x/y",
    ],
)  # fmt: skip
def test_what_is_secret_is_hidden(command: str) -> None:
    safe = redact(command)
    assert X not in safe and "***" in safe
    assert redact(safe) == safe or X not in redact(safe)


@pytest.mark.parametrize(
    "command",
    [
        "rsync -u host:/data/x /data/", "rsync -avu merz@host:/data/x /data/", "python -u script:func",
        "nice -n 19 python3.11 -u script.py:func", "sort -u a:b", "journalctl -u ssh:x", "nginx -u www:web",
        "root -l -b -q 'macro.C(\"a:b\")'", "curl https://host:8080/path", "curl -u merz https://host:8443/",
        "curl http://10.0.0.1:80/a@b", "git clone ssh://git@host:22/x", "wget -c http://h:80/x",
        "python train.py --max-tokens 100", "python train.py --max_tokens=100", "python train.py --tokenizer gpt2",
        "x --password-file /etc/x", "x --token-file=/run/t", "mysql -p db", "mysql -P 3306 -u root", "mkdir -p a/b",
        "docker run -p 80:80 -u merz:users image", "ssh -p 22 host", "ffmpeg -pass 1 -i x", "pass-through --passive on",
        "mysqld --user=mysql --port=3306", "openvpn --askpass", "ps -u merz", "sshd: merz [priv]",
        "tail -f /var/log/secret.log", "find . -name *password*",
    ],
)  # fmt: skip
def test_what_is_no_secret_stays(command: str) -> None:
    assert redact(command) == command
