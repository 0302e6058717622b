"""What somebody sees who is not signed in, and how somebody who is leaves again."""

from __future__ import annotations

import streamlit as st

from app.desk import desk
from app.visit import visit, welcome


def entrance() -> bool:
    """Whether the script goes on; draws what there is to do where it does not."""
    if desk().sign_in.mode != "oidc":
        return welcome()  # whom the proxy does not name gets no page at all
    if not welcome():
        if st.user.is_logged_in:
            st.text("This account may not review here. Ask whoever runs this server to add it.")
            st.button("Sign in with another account", on_click=st.logout)
        else:
            st.text("Sign in to review.")
            st.button("Sign in", type="primary", on_click=st.login)
        return False
    with st.sidebar.container(horizontal=True, vertical_alignment="center"):
        st.text(visit().reviewer or "", width="stretch")
        st.button("Sign out", on_click=st.logout)
    return True
