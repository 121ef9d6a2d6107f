"""Personal data is gone before a text leaves the house; the rest stays readable."""

from __future__ import annotations

import time
import unicodedata
from pathlib import Path

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from actions.review.mask_words import load_mask_words
from actions.review.masking import mask
from actions.review.yaml_checks import SettingsError

ROOT = Path(__file__).resolve().parents[3]


@pytest.mark.parametrize(
    ("text", "secret"),
    [
        ("打13912345678也打不通", "13912345678"),
        ("电话 139 1234 5678", "1234"),
        ("电话139-1234-5678", "5678"),
        ("+86 13912345678", "13912345678"),
        ("１３９１２３４５６７８", "５６７８"),
        ("座机 0571-87654321", "87654321"),
        ("call +44 20 7946 0958", "7946"),
        ("身份证11010519491231002X", "1101051949"),
        ("单号SF1234567890123一直没动", "SF1234567890123"),
        ("JD0098-7766-55 没动", "7766"),
        ("运单 773312345678901", "773312345678901"),
        ("尾号0917那件", "0917"),
        ("门禁密码 4480", "4480"),
        ("gate code 4480", "4480"),
        ("发到 a.b@example.com", "example"),
        ("放到3号楼2单元501室", "501"),
        ("改到中山路128号", "128"),
        ("广东省深圳市南山区科技园街道", "南山"),
        ("杭州西湖区文三路", "西湖"),
        ("送到景湖花园", "景湖"),
        ("send it to Room 1204, Tower B", "1204"),
        ("88 Tianhe Road", "Tianhe"),
        ("我叫张三，投诉快递", "张三"),
        ("收件人李小明没收到", "李小明"),
        ("联系人：欧阳修文", "欧阳"),
        ("王女士的件", "王"),
        ("张师傅态度差", "张"),
        ("找张伟，他签的", "张伟"),
        ("王小明，电话13812345678", "王小明"),
        ("张三13812345678没收到", "张三"),
        ("姓欧阳的快递员", "欧阳"),
        ("My name is John Smith and my parcel is late", "Smith"),
        ("my name is john smith", "smith"),
        ("this is Mary speaking", "Mary"),
        ("Mr Smith signed", "Smith"),
        ("138.1234.5678打不通", "5678"),
        ("138-123-45678", "45678"),
        ("1 3 8 1 2 3 4 5 6 7 8", "3 8"),
        ("一三八一二三四五六七八", "一"),
        ("幺三八 一二三四 五六七八", "五六"),
        ("电话138一二三四五六七八", "138"),
        ("one three eight one two three four five six seven eight", "three"),
        ("call 415-555-2671", "2671"),
        ("(415) 555-2671", "415"),
        ("座机020-8123 4567", "4567"),
        ("138****5678", "5678"),
        ("运单 7512 3456 7890", "7890"),
        ("SF 1234 5678 90123", "1234"),
        ("1Z 999 AA1 01 2345 6784", "AA1"),
        ("银行卡 6222 0210 0111 2345 678", "678"),
        ("order number 12345 is late", "12345"),
        ("my parcel #98765", "98765"),
        ('ORDER "ABCDEF123456"', "ABCDEF"),
        ("订单号KD88213，撤", "KD88213"),
        ("身份证 110101 19900101 1234", "1234"),
        ("加我微信zhangsan_88", "zhangsan"),
        ("微信号是lisi", "lisi"),
        ("QQ 123456", "123456"),
        ("wechat: zhang_san", "zhang"),
        ("12 nanjing road apt 3", "nanjing"),
        ("朝阳区望京SOHO", "望京"),
        ("送到北京市海淀区中关村大街27号", "中关村"),
        ("幸福小区3栋2单元501室", "幸福"),
        ("中山路一百二十号", "一百二十"),
    ],
)
def test_personal_data_is_masked(text: str, secret: str) -> None:
    masked = mask(text)
    assert secret not in masked
    assert "[" in masked


@pytest.mark.parametrize(
    "text",
    [
        "快递员三天没来取件了",
        "3公斤算成5公斤,多收了25元",
        "停了26天,赔我890",
        "小区门口没人",
        "这个地区派送太慢",
        "Marked as collected at 10:14",
        "250ml×12",
        "3公斤收25元,14:30下单,2026-11-11 12:00,等了3天,双11买的",
        "20261111下单,100-200元,1000-2000元,12.5kg,$30.50,¥1234567",
        "运费 12.5 15.5 18.5",
        "寄了3次,5.5折,第2天,8点半,11月11号",
        "5 kg charged as 8 kg, from 9:00-18:00",
        "2 parcels on the way, 12 days on the road",
        "The unit is broken, no room for it",
        "order placed 2026-11-11, paid 30 dollars",
        "the consignee denies receipt",
        "收件人拒收了",
        "收件人电话打不通",
        "签收人:门卫,可门卫没见过",
        "我叫了三次快递",
        "我是高中生",
        "快递师傅态度差,谢谢师傅",
        "马上安排师傅来",
        "宿管阿姨说没人来",
        "给了现金师傅也说收到了",
        "微信支付扣了25元",
        "打95338打不通",
        "件到县里都6天了,在嘉定转运中心",
        "已经到我们区了",
        "在路3天了",
    ],
)
def test_ordinary_words_and_small_numbers_stay(text: str) -> None:
    assert mask(text) == text


def test_the_sense_of_a_message_survives() -> None:
    masked = mask("电话13790442618也打得通，可它在太原中转就是不往大同走")
    assert masked == "电话[电话]也打得通,可它在太原中转就是不往大同走"


def test_a_number_is_masked_up_to_the_words_beside_it() -> None:
    assert mask("运单 7512 3456 7890 3天没动") == "运单 [号码] 3天没动"
    assert mask("一三八一二三四五六七八一直没人接") == "[号码]一直没人接"


#: What personal data and evidence are made of, so that chance builds more than noise.
PIECES = st.sampled_from(
    [
        *(
            "我叫",
            "收件人",
            "张三",
            "李小明",
            "王",
            "女士",
            "姓",
            ":",
            "：",
            ",",
            "，",
            " ",
            "-",
            ".",
            "\n",
        ),
        *(
            "138",
            "1234",
            "5678",
            "13812345678",
            "一三八一二三四",
            "SF",
            "1Z",
            "x",
            "#",
            "订单号",
            "order ",
        ),
        *(
            "3公斤",
            "25元",
            "14:30",
            "2026-11-11",
            "3天",
            "双11",
            "12.5",
            "kg",
            "元",
            "号",
            "路",
            "区",
            "栋",
        ),
        *(
            "微信",
            "wechat",
            "zhang_san",
            "12 nanjing road",
            "朝阳区",
            "望京SOHO",
            "[电话]",
            "[",
            "]",
            "没来",
        ),
    ]
)
TEXTS = st.one_of(st.text(), st.lists(PIECES, max_size=25).map("".join))


@settings(deadline=None)
@given(TEXTS)
def test_no_text_is_too_strange_and_none_grows_much(text: str) -> None:
    normal = unicodedata.normalize("NFKC", text)
    assert len(mask(text)) <= 3 * len(normal) + 10


@settings(deadline=None)
@given(TEXTS, TEXTS)
def test_prices_weights_and_times_stay_whatever_is_around_them(before: str, after: str) -> None:
    for evidence in ("3公斤", "25元", "14:30", "3天", "2026-11-11"):
        assert evidence in mask(f"{before}。{evidence}。{after}")


@pytest.mark.parametrize(
    "word",
    [
        "1 ",
        "1",
        "一",
        "138-",
        "(1-",
        "收件人",
        "我叫张",
        "张",
        "路",
        "朝阳区",
        "12 nanjing ",
        "A1",
        "a",
        "order a",
        "x@",
        "@a.",
        "3号楼",
        "北京市",
        "my name is ",
        "[电话]",
        "1Z-",
    ],
)
def test_a_hostile_message_takes_no_time(word: str) -> None:
    started = time.thread_time()
    mask(word * (2000 // len(word)))
    assert time.thread_time() - started < 5  # some hundredths; an exponential pattern never ends


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"titles": []}, "titles: expected at least one word"),
        ({"titles": [1]}, "titles: expected a list of names"),
        ({"surnames": "王 x"}, "surnames: expected Chinese characters only"),
        ({"nick_names": []}, "nick_names: is not known here"),
    ],
)
def test_a_wrong_word_list_is_named_at_start(
    tmp_path: Path, change: dict[str, object], complaint: str
) -> None:
    data = yaml.safe_load((ROOT / "data" / "masking.yml").read_text(encoding="utf-8"))
    data["names"].update(change)
    path = tmp_path / "masking.yml"
    path.write_text(yaml.safe_dump(data), encoding="utf-8")
    with pytest.raises(SettingsError, match=complaint):
        load_mask_words(path)


@settings(deadline=None)
@given(TEXTS)
def test_masking_twice_is_masking_once(text: str) -> None:
    once = mask(text)
    assert mask(once) == once


@settings(deadline=None)
@given(st.text(), st.from_regex(r"1[3-9][0-9]{9}", fullmatch=True))
def test_no_mobile_number_gets_through(text: str, phone: str) -> None:
    assert phone not in mask(f"{text} {phone} {text}")
