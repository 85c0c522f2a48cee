# ruff: noqa: E501, ISC004 - running text reads best in long lines
"""What the conversations are about: questions, answers and knowledge base of each topic."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Topic:
    """What a conversation is about. Questions, answers, passages and tools of one topic fit together."""

    name: str
    questions: tuple[tuple[str, str], ...]
    answer_starts: tuple[int, ...]
    """For each question the sentence of `answers` that an answer begins with."""
    turns: tuple[tuple[str, str], ...]
    answers: tuple[str, ...]
    passages: tuple[tuple[str, str], ...]
    tools: tuple[str, ...]


TOPICS = (
    Topic(
        "delivery",
        (
            ("Where is my order ", "? It should have been here on Monday."),
            ("Tracking for ", " has said the same thing for three days now. Is it lost?"),
            ("Can you send ", " to my office instead? I will not be home this week."),
            ("The courier says ", " was delivered, but there is nothing at my door."),
            ("I need ", " before Friday, it is a birthday present. Will that work?"),
        ),
        (0, 7, 5, 6, 2),
        (
            (
                "Hi, I ordered a backpack last week.",
                "Thanks for writing in. I can look that up for you, do you have the order number?",
            ),
            (
                "Do you deliver on Saturdays?",
                "Yes, in most cities. You can choose Saturday as the delivery day at the checkout.",
            ),
        ),
        (
            "I checked with the carrier and your parcel is on its way.",
            "The last scan was at the regional hub early this morning.",
            "It is now expected tomorrow between 9:00 and 14:00.",
            "You will get a message with a one-hour window on the day of delivery.",
            "If nobody is home, the driver leaves it at the nearest pick-up point for seven days.",
            "Changing the address is possible until the parcel is handed to the local driver.",
            "Should it not arrive by then, tell me here and I will open a search with the carrier.",
            "I am sorry for the delay, the hub had to close for a day because of the storm.",
            "A search usually takes two working days, and we send a replacement if it finds nothing.",
        ),
        (
            (
                "Delivery times",
                "Standard delivery takes two to four working days within the EU and three to seven elsewhere."
                " Orders placed before 14:00 leave the warehouse the same day. In the two weeks before holidays"
                " please allow one more day.",
            ),
            (
                "A parcel that does not arrive",
                "When the tracking has not changed for five days the parcel counts as lost. Support opens a"
                " search with the carrier, which takes up to two working days. If it ends without a result, the"
                " customer chooses between a replacement and a refund.",
            ),
            (
                "Changing the delivery address",
                "The address of an order can be changed until it is handed to the local driver. After that the"
                " customer can redirect the parcel to a pick-up point in the carrier's app. We never redirect"
                " to another country.",
            ),
            (
                "Delivered but not there",
                "Ask the customer to look with neighbours and at the place of deposit named in the tracking."
                " After 24 hours support asks the carrier for the proof of delivery. A missing signature means"
                " that the carrier is liable.",
            ),
            (
                "Express and Saturday delivery",
                "Express orders placed before 11:00 arrive the next working day. Saturday delivery is offered"
                " in 240 cities and costs 4.90. Neither is available for articles over 30 kg.",
            ),
        ),
        ("track_shipment", "get_order", "create_ticket"),
    ),
    Topic(
        "refund",
        (
            ("I returned ", " two weeks ago and have not seen my money yet."),
            ("The zip of the jacket in ", " broke on the first day. I would like a refund."),
            ("Please cancel ", " and refund me, I ordered the wrong size."),
            ("Why did I get only a part of ", " back? I sent everything."),
            ("Half of ", " was missing from the box. Refund or replacement, I do not mind which."),
        ),
        (0, 4, 1, 7, 8),
        (
            (
                "Hello, I sent something back.",
                "Happy to check on that. Which order was it, and when did you hand in the parcel?",
            ),
            (
                "Is the return free?",
                "It is free for 30 days when you use the label from your account.",
            ),
        ),
        (
            "I have found your return, it reached our warehouse on Thursday.",
            "The refund was approved and goes to the card you paid with.",
            "Banks usually take three to five working days to show it.",
            "The amount is the price of the article without the express fee.",
            "Because the article was faulty, we also refund the original shipping.",
            "You do not have to send the faulty one back, a photo is enough for us.",
            "If you prefer a replacement, one in your size is in stock right now.",
            "A partial refund happens when an article comes back without its tags.",
            "I have asked the returns team to look at it again, they answer within a day.",
        ),
        (
            (
                "When refunds arrive",
                "A refund is issued within two working days after the return is scanned in. Cards and bank"
                " transfers take three to five working days more, vouchers are credited at once. The refund"
                " always goes to the method of payment.",
            ),
            (
                "Faulty articles",
                "A fault within two years is covered by the legal guarantee. Support offers a replacement"
                " first and a refund where none is in stock. For articles under 50.00 a photo replaces the"
                " return.",
            ),
            (
                "Partial refunds",
                "The returns team lowers a refund when an article is worn, washed or comes without tags. The"
                " reason is noted in the return and must be told to the customer. Deductions above 50 % need"
                " the approval of a team lead.",
            ),
            (
                "Cancelling an order",
                "An order can be cancelled while it is in the state processing. Once it is packed it cannot be"
                " stopped; the customer may refuse the parcel or return it. A cancelled order is refunded in"
                " full within a day.",
            ),
            (
                "Incomplete parcels",
                "Compare the packing weight with the sum of the article weights. A difference of more than 5 %"
                " supports the claim and the missing articles are sent again without further questions.",
            ),
        ),
        ("get_order", "issue_refund", "create_ticket"),
    ),
    Topic(
        "billing",
        (
            ("I was charged twice for ", ". Can you look into it?"),
            ("I need an invoice with our VAT number for ", ", our accounting asks for it."),
            ("My card was declined for ", " although there is money on it."),
            ("The discount code did not work for ", ". Can it be added afterwards?"),
            ("What is the 3.50 service charge on ", " for?"),
        ),
        (0, 2, 4, 6, 8),
        (
            (
                "Question about my bill.",
                "Of course. Please give me the order number and I will open the invoice.",
            ),
            (
                "Which cards do you take?",
                "All major credit cards, and in some countries direct debit and payment on account.",
            ),
        ),
        (
            "I see two authorisations but only one of them was captured.",
            "The second one is released by your bank within seven days.",
            "I have added the VAT number and sent the new invoice to your e-mail address.",
            "A corrected invoice keeps its number and gets the suffix A.",
            "The bank declined because the confirmation in its app was not finished in time.",
            "You can pay the open amount again from your account within 48 hours.",
            "The code is valid for full-price articles, and two of yours were already reduced.",
            "As a gesture I have put the difference on your account as a voucher.",
            "The charge belongs to payment on account and is shown at the checkout.",
        ),
        (
            (
                "Double charges",
                "Two entries on a statement are nearly always one authorisation and one capture. The bank"
                " releases an authorisation without a capture after seven days. Check the captures in the"
                " payment view before you promise a refund.",
            ),
            (
                "Invoices for companies",
                "A VAT number can be added to an invoice for 90 days. The corrected invoice replaces the"
                " first one and is sent as PDF. Reverse charge applies only to companies in another member"
                " state with a checked number.",
            ),
            (
                "Declined payments",
                "The three usual reasons are a confirmation that was not finished, a limit of the card and an"
                " old address at the bank. Never ask a customer for card data in the chat.",
            ),
            (
                "Discount codes",
                "A code works once for each customer, not on reduced articles and not after the order was"
                " placed. Support may grant a voucher of the same value up to 25.00 once a year.",
            ),
            (
                "Service charge",
                "Payment on account costs 3.50 for each order. The charge is shown before the order is placed"
                " and is not refunded with a partial return.",
            ),
        ),
        ("get_invoice", "get_order", "create_ticket"),
    ),
    Topic(
        "account",
        (
            ("I cannot log in any more since I placed ", ". The reset mail never comes."),
            ("Please change my address for ", " and everything after it."),
            ("Someone placed ", " from my account and it was not me!"),
            ("I want to delete my account, but ", " is still open. How does that work?"),
            ("My loyalty points for ", " are missing."),
        ),
        (0, 3, 4, 6, 8),
        (
            (
                "My account is acting strangely.",
                "I am sorry to hear that. Can you tell me what you see when you try to log in?",
            ),
            (
                "Can two people share an account?",
                "Each account is personal, but you can save several delivery addresses in it.",
            ),
        ),
        (
            "I have sent a new link to the address we have on file.",
            "It is valid for 30 minutes and works only once.",
            "Please also look into your spam folder, some providers are strict with such mails.",
            "The new address is saved and will be used from the next order on.",
            "To be safe I have ended all open sessions and blocked the order.",
            "Our security team writes to you within a few hours.",
            "An account can be deleted as soon as its last order is closed.",
            "Invoices are kept for as long as the law asks, everything else is erased.",
            "Points are credited 14 days after delivery, when the return period begins to close.",
        ),
        (
            (
                "Password reset",
                "A reset link is valid for 30 minutes. After five links in an hour the account is paused for"
                " a day. Support can see whether a mail bounced, but never a password.",
            ),
            (
                "Orders the customer did not place",
                "End all sessions, block the order if it is not yet packed, and hand the case to security with"
                " priority high. Do not discuss which data an attacker may have seen.",
            ),
            (
                "Deleting an account",
                "Deletion is possible when no order is open and no amount is due. Personal data is erased"
                " within 30 days; invoices are kept for the legal period. Deletion cannot be undone.",
            ),
            (
                "Loyalty points",
                "One point for each full euro, credited 14 days after delivery and valid for 24 months."
                " Returned articles are taken off again. Points cannot be paid out.",
            ),
            (
                "Changing personal data",
                "Name and birthday need a document, address and telephone do not. A change of the e-mail"
                " address is confirmed from both the old and the new one.",
            ),
        ),
        ("update_account", "get_order", "create_ticket"),
    ),
    Topic(
        "product",
        (
            ("Does the tent from ", " fit two people and a dog?"),
            ("Can I wash the sleeping bag from ", " in the machine?"),
            ("Is there a spare strap for the backpack in ", "?"),
            ("The stove in ", " came without instructions. How do I fill it?"),
            ("When is the green one from ", " back in stock?"),
        ),
        (0, 2, 4, 6, 8),
        (
            (
                "I am planning a trip to the mountains.",
                "Sounds great! Tell me how long and which season, and I can recommend something.",
            ),
            (
                "Do you have a size chart?",
                "Yes, it is on every product page, just below the photos.",
            ),
        ),
        (
            "Yes, the inner tent is 140 by 220 cm, so two people and a medium dog fit well.",
            "With a large dog I would take the three-person version.",
            "Wash it at 30 degrees with a detergent for down and dry it with two tennis balls.",
            "Please do not use softener, it makes the down lose its loft.",
            "The strap is article number 4471 and fits all backpacks of that series.",
            "It is a spare part and delivered free of charge within the guarantee.",
            "I have sent you the manual as PDF, filling is explained on page 6.",
            "Only fill the stove outdoors and when it has cooled down completely.",
            "The green one is expected back in stock in about nine days.",
        ),
        (
            (
                "Ridge 2 tent",
                "Inner tent 140 x 220 cm, height 108 cm, weight 2.4 kg, water column 4,000 mm. Two doors and"
                " two vestibules. Sleeps two with gear or two with a medium dog.",
            ),
            (
                "Care of down",
                "Machine wash at 30 degrees on a gentle cycle, detergent for down only, no softener. Tumble"
                " dry on low with two tennis balls until no lumps remain, which takes three to four hours.",
            ),
            (
                "Spare parts",
                "Straps, buckles, poles and pegs are delivered free within the guarantee and at cost"
                " afterwards. The part number is printed on the seam label. Delivery takes three to five"
                " working days.",
            ),
            (
                "Ember gas stove",
                "Use standard screw cartridges with a valve. Fill and change them outdoors, away from flames"
                " and only when cold. Boils half a litre in about three minutes at sea level.",
            ),
            (
                "Stock and reservations",
                "Articles out of stock can be reserved without obligation. The customer gets a mail when they"
                " arrive and has 48 hours to order. Dates of arrival are estimates of the supplier.",
            ),
        ),
        ("check_inventory", "get_order", "create_ticket"),
    ),
    Topic(
        "subscription",
        (
            ("I want to pause my coffee subscription, the last delivery was ", "."),
            ("Why did ", " cost more than the month before?"),
            ("I cancelled in March but ", " was sent anyway."),
            ("Can I change ", " from every two weeks to once a month?"),
            ("Please move ", " to another roast, the dark one is too bitter for me."),
        ),
        (0, 2, 4, 6, 7),
        (
            (
                "It is about my subscription.",
                "I can help with that. Which of your subscriptions do you mean?",
            ),
            (
                "How do I skip one delivery?",
                "Open the subscription in your account and choose Skip next, up to two days before it ships.",
            ),
        ),
        (
            "Your subscription is paused from now on and no further delivery is planned.",
            "You can start it again at any time with one click in your account.",
            "The price changed because the introductory discount ended after three deliveries.",
            "We announced it by e-mail on the first of the month.",
            "I can see your cancellation, and it should have stopped this delivery.",
            "You may keep the parcel, and I have refunded the amount.",
            "From the next delivery on you get one parcel every four weeks.",
            "The medium roast has less acidity and is our most popular one.",
            "The change is free and takes effect with the delivery after the next one.",
        ),
        (
            (
                "Pausing and skipping",
                "A subscription can be paused for up to six months and skipped up to two days before it"
                " ships. Discounts are kept. A paused subscription never starts again by itself.",
            ),
            (
                "Prices",
                "The introductory discount covers the first three deliveries. Later changes of price are"
                " announced 30 days ahead and may be answered with a cancellation at once.",
            ),
            (
                "Cancelling a subscription",
                "Cancellation is possible until two days before the next delivery. A delivery sent in spite of"
                " a cancellation is refunded in full and does not have to be returned.",
            ),
            (
                "Changing interval or article",
                "Interval and article can be changed at any time and without cost. The change takes effect"
                " with the next delivery that has not been packed yet.",
            ),
            (
                "Roasts",
                "Light: fruity, for filter. Medium: balanced, for everything. Dark: strong and low in acid, for"
                " espresso. All are roasted on Tuesdays and shipped within 48 hours.",
            ),
        ),
        ("get_order", "get_invoice", "update_account"),
    ),
)

TOPIC_SHARES = (0.28, 0.22, 0.16, 0.12, 0.13, 0.09)
